// One job: what it came from, its runs and their steps, and its retry.

import { NO_JOB, getJob, listTriggers, listWorkflows, retryJob }
    from './api.js';
import { copyButton } from './clipboard.js';
import { confirmDialog } from './dialog.js';
import { h, keyedList, setChildren, setText } from './dom.js';
import { runCard } from './job-run.js';
import { sayReason, setState } from './job-words.js';
import { announce, sayDone } from './messages.js';
import { poll } from './poll.js';
import { jobsHash } from './router.js';
import { wholeTimeNode } from './time.js';
import { webhookNames } from './webhook-names.js';

const REFRESH = 2; // seconds

const NO_RUNS = {
    queued: 'No worker has it yet. Its workflows start when one takes it.',
    running: 'A worker has just taken it.',
    waiting: 'None has begun yet.',
};


export function jobView({ captured: [id], signal, setTitle }) {
    const heading = h('h1', { tabindex: -1 }, 'Job ',
        h('span', { class: 'job-id' }, id));
    const place = h('div', {}, heading,
        h('p', { class: 'loading' }, 'Loading…'));
    const updates = poll({ task, seconds: REFRESH, signal });
    const names = webhookNames(signal);

    let parts = null;
    let current = null;

    async function task() {
        let job;

        try {
            job = await getJob(id, signal);
        } catch (error) {
            if (error.code === NO_JOB) {
                showGone();
                return;
            }

            throw error;
        }

        await names.learn([job.webhook]);

        if (!parts) {
            await build();
        }

        current = job;
        parts.update(job);
    }

    async function build() {
        const [{ triggers }, { workflows }] = await Promise.all([
            listTriggers(signal), listWorkflows(signal)]);

        // The heading moves, and the focus has to go with it.
        const hadFocus = place.contains(document.activeElement);

        parts = jobParts(heading, {
            id, names, triggers, workflows, retry,
            pauseButton: updates.pauseButton,
        });
        setChildren(place, parts.node);

        if (hadFocus) {
            heading.focus({ preventScroll: true });
        }
    }

    function retry() {
        const failed = current.runs.filter(({ state }) => state === 'failed');

        confirmDialog({
            title: 'Retry this job?',
            content: [
                h('p', {}, 'What has failed begins again at the step that'
                    + ' failed, with all its attempts. What has succeeded is'
                    + ' not done again.'),
                failed.length > 0 && h('ul', { class: 'changes' },
                    failed.map(run => h('li', {}, parts.nameOf(run.workflow),
                        failedStep(run)))),
                h('p', {}, 'The workflow is taken as it is now: mend it first'
                    + ' if it was the reason.'),
            ],
            confirm: 'Retry job',
            action: async ({ showFailure }) => {
                try {
                    await retryJob(id);

                    return true;
                } catch (error) {
                    showFailure(error);

                    return false;
                } finally {
                    updates.refresh();
                }
            },
            // The button is about to go.
            done: () => {
                sayDone('The job goes on.');
                heading.focus();
            },
        });
    }

    function showGone() {
        const title = h('h1', { tabindex: -1 }, 'There is no such job');
        const hadFocus = place.contains(document.activeElement);

        updates.stop();
        setTitle('Not found');
        setChildren(place, h('div', { class: 'empty' }, title,
            h('p', {}, 'There is no job ',
                h('code', { class: 'breakable' }, id),
                ' any more, or there never was. One that has ended is kept'
                + ' for a time: 24 hours if it succeeded, 14 days if it'
                + ' failed, unless the worker is told otherwise.'),
            h('a', { class: 'button', href: jobsHash({}) }, 'All jobs')));
        announce('There is no such job');

        if (hadFocus) {
            title.focus();
        }
    }

    return {
        title: `Job ${id}`,
        heading,
        node: h('div', { class: 'view' }, updates.banner, place),
    };
}


function failedStep({ steps }) {
    const step = steps.find(({ state }) => state === 'failed');

    return step && [', from the step ', h('code', {}, step.id)];
}


function jobParts(heading, { id, names, triggers, workflows, retry,
    pauseButton }) {
    const state = h('span');
    const reason = h('span', { class: 'breakable' });
    const retryButton = h('button', {
        type: 'button', class: 'button primary', on: { click: retry },
    }, 'Retry…');
    const trigger = h('span');
    const webhook = h('span', { class: 'breakable' });
    const received = h('div', { class: 'stacked' });
    const none = h('p', { class: 'muted' });
    const runs = h('div', { class: 'stack' });

    const nameOf = workflow =>
        workflows.find(({ id: one }) => one === workflow)?.name || workflow;
    const setRuns = keyedList(runs, ({ workflow }) => workflow,
        run => runCard(run, nameOf));

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {},
                h('a', { class: 'back', href: jobsHash({}) }, 'All jobs'),
                heading,
                h('div', { class: 'facts' }, state, reason)),
            h('div', { class: 'buttons' }, retryButton)),
        h('section', { class: 'card', 'aria-labelledby': 'request' },
            h('div', { class: 'card-head' },
                h('h2', { id: 'request' }, 'Request'), pauseButton),
            h('dl', { class: 'pairs' },
                pair('Job', h('div', { class: 'copyable' },
                    h('code', {}, id), copyButton(() => id, 'job id'))),
                pair('Trigger', trigger),
                pair('Webhook', webhook),
                pair('Received', received))),
        h('section', { class: 'stack', 'aria-labelledby': 'runs' },
            h('h2', { id: 'runs' }, 'Workflows that it started'),
            none, runs));

    function update(job) {
        const title = triggers.find(({ name }) => name === job.trigger)?.title;

        setState(state, job.state);
        setText(reason, sayReason(job.reason));
        retryButton.hidden = job.state !== 'failed';
        setText(trigger, title || job.trigger || 'not known');
        names.show(webhook, job.webhook ?? '');

        if (received.dataset.time !== String(job.received_at)) {
            received.dataset.time = job.received_at;
            setChildren(received, job.received_at
                ? wholeTimeNode(job.received_at) : 'not known');
        }

        setRuns(job.runs);
        runs.hidden = job.runs.length === 0;
        none.hidden = job.runs.length > 0;
        setText(none, NO_RUNS[job.state] ?? 'None.');
    }

    return { node, nameOf, update };
}


function pair(name, ...content) {
    return h('div', {}, h('dt', {}, name), h('dd', {}, content));
}
