/*
 * Places at which a test lets the worker die, by SIGKILL: right after Redis has
 * done a transition of a job, or an endpoint has answered, and before anything
 * follows from that. There are none but in a build with CLARITY_KILL_POINTS:
 * see t/worker-killed.t.
 *
 * The environment's CLARITY_KILL_AT is a name and how often it is passed:
 * "record:2" is the second time. Names are those of the scripts, and
 *
 *   deliver   XREADGROUP has brought entries
 *   takeover  XAUTOCLAIM has
 *   promoted  a job that waited is in the stream again
 *   answered  an action has ended, and its result is in memory alone
 */

#ifndef CLARITY_WORKER_KILL_POINT_H
#define CLARITY_WORKER_KILL_POINT_H

#ifdef CLARITY_KILL_POINTS
void clarity_kill_point(const char *name);
#define CLARITY_KILL_POINT(name) clarity_kill_point(name)
#else
#define CLARITY_KILL_POINT(name) ((void) 0)
#endif

#endif
