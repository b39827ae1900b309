#include "job/listing.h"

#include "job/script_part.h"

/*
 * What has no bound in itself is bounded here: candidates that are looked at
 * in a call (LOOK), entries that are read at a time, as Lua gets their
 * contexts too (STEP), and what those contexts may sum up to (BYTES). Who asks
 * goes on where a call has stopped.
 *
 * reached: the key and the job of the last candidate that was looked at. Each
 * walk calls look() for a candidate before it does anything with it, and ends
 * when that says so; all() says that nothing is left.
 */
#define LIST                                                                  \
    "local LOOK, STEP, BYTES = 500, 10, 4194304\n"                            \
    "local stream, failed, delayed, recent = unpack(KEYS)\n"                  \
    "local group, hashes, shard, wanted = unpack(ARGV, 1, 4)\n"               \
    "local limit, start, from_it, at = tonumber(ARGV[5]), ARGV[6],\n"         \
    "  ARGV[7] == '1', ARGV[8]\n"                                             \
    "local out, jobs, looked, bytes = { '', '' }, 0, 0, 0\n"                  \
    "local function fields(entry)\n"                                          \
    "  local of = {}\n"                                                       \
    "  for i = 1, #entry[2], 2 do of[entry[2][i]] = entry[2][i + 1] end\n"    \
    "  bytes = bytes + #(of.context or '')\n"                                 \
    "  return of\n"                                                           \
    "end\n"                                                                   \
    "local function hash(id)\n"                                               \
    "  local of = redis.call('HMGET', hashes .. id, 'state', 'reason',\n"     \
    "    'trigger', 'webhook', 'received', 'failed')\n"                       \
    "  return { state = of[1], reason = of[2], trigger = of[3],\n"            \
    "    webhook = of[4], received = of[5], failed = of[6] }\n"               \
    "end\n"                                                                   \
    "local function look()\n"                                                 \
    "  looked = looked + 1\n"                                                 \
    "  return looked <= LOOK and bytes <= BYTES\n"                            \
    "end\n"                                                                   \
    "local function reached(key, id) out[1], out[2] = key, id end\n"          \
    "local function all() out[1], out[2] = '', '' end\n"                      \
    "local function add(key, id, state, of, entry, due)\n"                    \
    "  if jobs == limit then return false end\n"                              \
    "  jobs = jobs + 1\n"                                                     \
    "  local none = entry or {}\n"                                            \
    "  for _, value in ipairs({ key, id, state,\n"                            \
    "      of.trigger or none.trigger or '',\n"                               \
    "      of.webhook or none.webhook or '', of.reason or '',\n"              \
    "      of.received or none.received or '', due or '' }) do\n"             \
    "    out[#out + 1] = value\n"                                             \
    "  end\n"                                                                 \
    "  return true\n"                                                         \
    "end\n"

/* After the last delivered entry nothing is; before it what is pending. */
#define PLACE                                                                 \
    "local last\n"                                                            \
    "local groups = redis.pcall('XINFO', 'GROUPS', stream)\n"                 \
    "for _, info in ipairs(groups.err and {} or groups) do\n"                 \
    "  local of = {}\n"                                                       \
    "  for i = 1, #info, 2 do of[info[i]] = info[i + 1] end\n"                \
    "  if of.name == group then last = of['last-delivered-id'] end\n"         \
    "end\n"

/* Newest first: the entries of a stream, STEP at a time. */
#define ENTRIES                                                               \
    "local function entries(key, from, to)\n"                                 \
    "  local list, i = {}, 1\n"                                               \
    "  return function(peek)\n"                                               \
    "    if i > #list then\n"                                                 \
    "      if not from then return nil end\n"                                 \
    "      list = redis.call('XREVRANGE', key, from, to, 'COUNT', STEP)\n"    \
    "      from = #list == STEP and '(' .. list[STEP][1]\n"                   \
    "      i = 1\n"                                                           \
    "    end\n"                                                               \
    "    local entry = list[i]\n"                                             \
    "    if not peek then i = i + 1 end\n"                                    \
    "    return entry\n"                                                      \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "local function newest()\n"                                               \
    "  if start == '' then return '+' end\n"                                  \
    "  return (from_it and '' or '(') .. start\n"                             \
    "end\n"

/* The same of the recent jobs: their ids, without the zeros. */
#define RECENT                                                                \
    "local function unpad(member)\n"                                          \
    "  local ms, seq = member:match('^0*(%d+)-0*(%d+)$')\n"                   \
    "  return ms .. '-' .. seq\n"                                             \
    "end\n"                                                                   \
    "local function recents()\n"                                              \
    "  local list, i = {}, 1\n"                                               \
    "  local from = start == '' and '+'\n"                                    \
    "    or (from_it and '[' or '(') .. pad(start)\n"                         \
    "  return function(peek)\n"                                               \
    "    if i > #list then\n"                                                 \
    "      if not from then return nil end\n"                                 \
    "      list = redis.call('ZREVRANGEBYLEX', recent, from, '-',\n"          \
    "        'LIMIT', 0, 100)\n"                                              \
    "      from = #list == 100 and '(' .. list[100]\n"                        \
    "      i = 1\n"                                                           \
    "    end\n"                                                               \
    "    local member = list[i]\n"                                            \
    "    if not peek then i = i + 1 end\n"                                    \
    "    return member\n"                                                     \
    "  end\n"                                                                 \
    "end\n"

/* Both by the jobs' age; one that came back stands among the recent. */
static const clarity_script_t list_all = {
    "list_all",
    LIST PLACE ENTRIES CLARITY_LUA_BEFORE CLARITY_LUA_PAD RECENT
    "local function state_of(entry)\n"
    "  if not last or is_before(last, entry) then return 'queued' end\n"
    "  return redis.call('XPENDING', stream, group, entry, entry, 1)[1]\n"
    "    and 'running'\n"
    "end\n"
    "local next_entry, next_recent = entries(stream, newest(), '-'), "
    "recents()\n"
    "while true do\n"
    "  local entry, member = next_entry(true), next_recent(true)\n"
    "  if not entry and not member then all() break end\n"
    "  if not look() then break end\n"
    "  local key, of\n"
    "  if entry and (not member or pad(entry[1]) >= member) then\n"
    "    key, of = entry[1], fields(next_entry())\n"
    "    if member == pad(key) then next_recent() end\n"
    "  else\n"
    "    key = unpad(next_recent())\n"
    "  end\n"
    "  local id = shard .. '-' .. key\n"
    "  if not of or not of.job then\n"
    "    local kept = hash(id)\n"
    "    local state = kept.state or (of and state_of(key))\n"
    "    local due = state == 'waiting'\n"
    "      and redis.call('ZSCORE', delayed, id)\n"
    "    if state and not add(key, id, state, kept, of, due) then break end\n"
    "  end\n"
    "  reached(key, id)\n"
    "end\n"
    "return out\n",
};

static const clarity_script_t list_ended = {
    "list_ended",
    LIST CLARITY_LUA_PAD RECENT
    "local next_recent = recents()\n"
    "while true do\n"
    "  if not next_recent(true) then all() break end\n"
    "  if not look() then break end\n"
    "  local key = unpad(next_recent())\n"
    "  local id = shard .. '-' .. key\n"
    "  if redis.call('HGET', hashes .. id, 'state') == wanted\n"
    "      and not add(key, id, wanted, hash(id)) then\n"
    "    break\n"
    "  end\n"
    "  reached(key, id)\n"
    "end\n"
    "return out\n",
};

static const clarity_script_t list_queued = {
    "list_queued",
    LIST PLACE ENTRIES
    "local next_entry = entries(stream, newest(), last and '(' .. last or "
    "'-')\n"
    "while true do\n"
    "  local entry = next_entry()\n"
    "  if not entry then all() break end\n"
    "  if not look() then break end\n"
    "  local of = fields(entry)\n"
    "  local id = of.job or shard .. '-' .. entry[1]\n"
    "  if not add(entry[1], id, 'queued', hash(id), of) then break end\n"
    "  reached(entry[1], id)\n"
    "end\n"
    "return out\n",
};

/* XPENDING goes by age only, from the oldest; so does this. */
static const clarity_script_t list_running = {
    "list_running",
    LIST
    "local from = start == '' and '-' or (from_it and '' or '(') .. start\n"
    "while from do\n"
    "  local pending = redis.pcall(\n"
    "    'XPENDING', stream, group, from, '+', STEP)\n"
    "  if pending.err then\n"
    "    if pending.err:sub(1, 7) ~= 'NOGROUP' then return pending end\n"
    "    pending = {}\n"
    "  end\n"
    "  from = #pending == STEP and '(' .. pending[STEP][1]\n"
    "  for _, item in ipairs(pending) do\n"
    "    if not look() then return out end\n"
    "    local key = item[1]\n"
    "    local entry = redis.call('XRANGE', stream, key, key)[1]\n"
    "    local of = entry and fields(entry) or {}\n"
    "    local id = of.job or shard .. '-' .. key\n"
    "    local kept = hash(id)\n"
    "    if (kept.state or 'running') == 'running'\n"
    "        and not add(key, id, 'running', kept, of) then\n"
    "      return out\n"
    "    end\n"
    "    reached(key, id)\n"
    "  end\n"
    "end\n"
    "all()\n"
    "return out\n",
};

/*
 * Many may be due at one moment, so a call goes on by rank. Where the one that
 * it is to go on after has left meanwhile, some may be seen twice.
 */
static const clarity_script_t list_waiting = {
    "list_waiting",
    LIST "local rank = 0\n"
         "if start ~= '' then\n"
         "  if redis.call('ZSCORE', delayed, at) == start then\n"
         "    rank = redis.call('ZRANK', delayed, at) + 1\n"
         "  else\n"
         "    rank = redis.call('ZCOUNT', delayed, '-inf',\n"
         "      (from_it and '(' or '') .. start)\n"
         "  end\n"
         "end\n"
         "while true do\n"
         "  local list = redis.call(\n"
         "    'ZRANGE', delayed, rank, rank + 99, 'WITHSCORES')\n"
         "  for i = 1, #list, 2 do\n"
         "    if not look() then return out end\n"
         "    local id, due = list[i], list[i + 1]\n"
         "    local kept = hash(id)\n"
         "    if kept.state == 'waiting'\n"
         "        and not add(due, id, 'waiting', kept, nil, due) then\n"
         "      return out\n"
         "    end\n"
         "    reached(due, id)\n"
         "  end\n"
         "  if #list < 200 then break end\n"
         "  rank = rank + 100\n"
         "end\n"
         "all()\n"
         "return out\n",
};

/* An entry that its job's hash does not name is of a time before. */
static const clarity_script_t list_failed = {
    "list_failed",
    LIST ENTRIES "local next_entry = entries(failed, newest(), '-')\n"
                 "while true do\n"
                 "  local entry = next_entry()\n"
                 "  if not entry then all() break end\n"
                 "  if not look() then break end\n"
                 "  local id = fields(entry).job or ''\n"
                 "  local kept = hash(id)\n"
                 "  if kept.state == 'failed' and kept.failed == entry[1]\n"
                 "      and not add(entry[1], id, 'failed', kept) then\n"
                 "    break\n"
                 "  end\n"
                 "  reached(entry[1], id)\n"
                 "end\n"
                 "return out\n",
};


const clarity_script_t *
clarity_listing_script(clarity_listing_which_t which)
{
    switch (which) {
    case CLARITY_LISTING_ALL: return &list_all;
    case CLARITY_LISTING_QUEUED: return &list_queued;
    case CLARITY_LISTING_RUNNING: return &list_running;
    case CLARITY_LISTING_WAITING: return &list_waiting;
    case CLARITY_LISTING_FAILED: return &list_failed;
    default: return &list_ended;
    }
}
