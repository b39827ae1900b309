#include "job/webhook_script.h"

#include "job/audit.h"

/*
 * As in script.c: Lua 5.1, errors taken by pcall are handed on as they are,
 * and whatever may fail comes before the first change of the hash. That is
 * also why the notice goes out first: a user whose channels are restricted
 * may not publish, which is Redis 7's default, and a notice of a change that
 * is then refused costs its readers one look. They see it only after the
 * script, as nothing else runs meanwhile.
 */

/* A record from its text, and the field of the place where it is. */
#define DECODE                                                                \
    "local function is_error(reply)\n"                                        \
    "  return type(reply) == 'table' and reply.err ~= nil\n"                  \
    "end\n"                                                                   \
    "local function decode(text)\n"                                           \
    "  local read, record = pcall(cjson.decode, text)\n"                      \
    "  if read and type(record) == 'table' and type(record.id) == 'string'\n" \
    "    and type(record.method) == 'string'\n"                               \
    "    and type(record.endpoint) == 'string'\n"                             \
    "  then\n"                                                                \
    "    return record, 'at:' .. record.method .. ' ' .. record.endpoint\n"   \
    "  end\n"                                                                 \
    "  return nil\n"                                                          \
    "end\n"                                                                   \
    "local function no_record(what)\n"                                        \
    "  return redis.error_reply('ERR ' .. what .. ' is no record')\n"         \
    "end\n"

/*
 * The revision and the place of the record that is stored under an id; false:
 * there is none; nil and the error: it cannot be read, and its place is false
 * where there is one under that id all the same. A revision is at most 2^53,
 * which Lua holds exactly.
 */
#define STORED                                                                \
    "local function stored(id)\n"                                             \
    "  local field = 'id:' .. id\n"                                           \
    "  local text = redis.pcall('HGET', KEYS[1], field)\n"                    \
    "  if is_error(text) then return nil, nil, text end\n"                    \
    "  if not text then return false end\n"                                   \
    "  local record, at = decode(text)\n"                                     \
    "  if not record or type(record.revision) ~= 'number' then\n"             \
    "    return nil, at or false, no_record(field .. ' in ' .. KEYS[1])\n"    \
    "  end\n"                                                                 \
    "  return record.revision, at\n"                                          \
    "end\n"                                                                   \
    "local function differs(revision, expected)\n"                            \
    "  return expected ~= ''\n"                                               \
    "    and string.format('%.0f', revision) ~= expected\n"                   \
    "end\n"

/*
 * Whose place it is; false: nobody's. One whose record is gone, or is at
 * another place, holds none: somebody has worked on Redis by hand.
 */
#define OWNER                                                                 \
    "local function owner_of(at)\n"                                           \
    "  local owner = redis.pcall('HGET', KEYS[1], at)\n"                      \
    "  if is_error(owner) or not owner then return owner end\n"               \
    "  local text = redis.call('HGET', KEYS[1], 'id:' .. owner)\n"            \
    "  local record, place = decode(text or '')\n"                            \
    "  return text and (not record or place == at) and owner\n"               \
    "end\n"

/*
 * The next revision, announced and audited: ARGV from `first` on are the
 * entry's fields. HINCRBY would be a change before the last failure.
 */
#define ANNOUNCE                                                              \
    "local function announce(first)\n"                                        \
    "  local last = redis.pcall('HGET', KEYS[1], 'revision')\n"               \
    "  if is_error(last) then return nil, last end\n"                         \
    "  last = last or '0'\n"                                                  \
    "  if not last:match('^%d+$') or #last > 15 then\n"                       \
    "    return nil, redis.error_reply('ERR the revision in ' .. KEYS[1]\n"   \
    "      .. ' is no number of up to 15 digits: set it to one')\n"           \
    "  end\n"                                                                 \
    "  local revision = string.format('%.0f', last + 1)\n"                    \
    "  local sent = redis.pcall('PUBLISH', KEYS[1], revision)\n"              \
    "  if is_error(sent) then return nil, sent end\n"                         \
    "  local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~',\n"           \
    "    '" CLARITY_AUDIT_LENGTH "', '*', 'revision', revision,\n"            \
    "    unpack(ARGV, first))\n"                                              \
    "  if is_error(added) then return nil, added end\n"                       \
    "  return revision\n"                                                     \
    "end\n"

/* The record's last byte is the brace that closes it. */
#define STORE                                                                 \
    "local function store(record, text, at, revision)\n"                      \
    "  redis.call('HSET', KEYS[1], 'revision', revision,\n"                   \
    "    'id:' .. record.id,\n"                                               \
    "    text:sub(1, -2) .. ',\"revision\":' .. revision .. '}',\n"           \
    "    at, record.id)\n"                                                    \
    "end\n"

const clarity_script_t clarity_script_webhook_create = {
    "webhook_create",
    DECODE OWNER ANNOUNCE STORE
    "local record, at = decode(ARGV[1])\n"
    "if not record then return no_record('ARGV[1]') end\n"
    "local owner = owner_of(at)\n"
    "if is_error(owner) then return owner end\n"
    "if owner then return {'taken', owner} end\n"
    "if redis.call('HEXISTS', KEYS[1], 'id:' .. record.id) == 1 then\n"
    "  return {'taken', record.id}\n"
    "end\n"
    "local revision, failed = announce(2)\n"
    "if failed then return failed end\n"
    "store(record, ARGV[1], at, revision)\n"
    "return {'ok', tonumber(revision)}\n",
};

const clarity_script_t clarity_script_webhook_update = {
    "webhook_update",
    DECODE STORED OWNER ANNOUNCE STORE
    "local record, at = decode(ARGV[1])\n"
    "if not record then return no_record('ARGV[1]') end\n"
    "local current, was_at, wrong = stored(record.id)\n"
    "if wrong then return wrong end\n"
    "if not current then return {'gone'} end\n"
    "if differs(current, ARGV[2]) then return {'conflict', current} end\n"
    "local owner = owner_of(at)\n"
    "if owner and owner ~= record.id then return {'taken', owner} end\n"
    "local revision, failed = announce(3)\n"
    "if failed then return failed end\n"
    "if at ~= was_at then redis.call('HDEL', KEYS[1], was_at) end\n"
    "store(record, ARGV[1], at, revision)\n"
    "return {'ok', tonumber(revision)}\n",
};

const clarity_script_t clarity_script_webhook_delete = {
    "webhook_delete",
    DECODE STORED OWNER ANNOUNCE
    "local current, at, wrong = stored(ARGV[1])\n"
    "if wrong and (at == nil or ARGV[2] ~= '') then return wrong end\n"
    "if current == false then return {'gone'} end\n"
    "if current and differs(current, ARGV[2]) then\n"
    "  return {'conflict', current}\n"
    "end\n"
    "local mine = at and owner_of(at) == ARGV[1]\n"
    "local revision, failed = announce(3)\n"
    "if failed then return failed end\n"
    "redis.call('HDEL', KEYS[1], 'id:' .. ARGV[1])\n"
    "if mine then redis.call('HDEL', KEYS[1], at) end\n"
    "redis.call('HSET', KEYS[1], 'revision', revision)\n"
    "return {'ok', tonumber(revision)}\n",
};
