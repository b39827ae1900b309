#include "job/id.h"

#include "job/key.h"

static bool parse_number(
    const char **p, const char *end, uint64_t max, uint64_t *number);
static bool parse_entry(const char *p, const char *end, clarity_job_id_t *id);
static char *format_number(char *p, uint64_t number);


bool
clarity_job_id_parse(clarity_str_t text, clarity_job_id_t *id)
{
    uint64_t shard;
    const char *p, *end;
    clarity_job_id_t found;

    p = text.data;
    end = text.data + text.len;

    if (!parse_number(&p, end, CLARITY_MAX_SHARDS - 1, &shard) || p == end
        || *p++ != '-' || !parse_entry(p, end, &found))
    {
        return false;
    }

    found.shard = (unsigned) shard;
    *id = found;

    return true;
}


bool
clarity_job_id_from_entry(
    clarity_str_t entry, unsigned shard, clarity_job_id_t *id)
{
    clarity_job_id_t found;

    if (!parse_entry(entry.data, entry.data + entry.len, &found)) {
        return false;
    }

    found.shard = shard;
    *id = found;

    return true;
}


size_t
clarity_job_id_format(const clarity_job_id_t *id, char out[CLARITY_JOB_ID_MAX])
{
    char *p;

    p = format_number(out, id->shard);
    *p++ = '-';

    return (size_t) (p - out) + clarity_job_id_entry(id, p);
}


size_t
clarity_job_id_entry(
    const clarity_job_id_t *id, char out[CLARITY_ENTRY_ID_MAX])
{
    char *p;

    p = format_number(out, id->ms);
    *p++ = '-';
    p = format_number(p, id->seq);
    *p = '\0';

    return (size_t) (p - out);
}


/* MS-SEQ, and nothing after it. */
static bool
parse_entry(const char *p, const char *end, clarity_job_id_t *id)
{
    return parse_number(&p, end, UINT64_MAX, &id->ms) && p != end
           && *p++ == '-' && parse_number(&p, end, UINT64_MAX, &id->seq)
           && p == end;
}


/* The digits at *p, and *p behind them. */
static bool
parse_number(const char **p, const char *end, uint64_t max, uint64_t *number)
{
    unsigned digit;
    uint64_t n;
    const char *s;

    n = 0;

    for (s = *p; s != end && *s >= '0' && *s <= '9'; s++) {
        digit = (unsigned) (*s - '0');

        /* A digit after a leading zero, or one too many. */
        if ((n == 0 && s != *p) || n > (max - digit) / 10) {
            return false;
        }

        n = n * 10 + digit;
    }

    if (s == *p) {
        return false;
    }

    *p = s;
    *number = n;

    return true;
}


static char *
format_number(char *p, uint64_t number)
{
    size_t n;
    char digits[20];

    n = sizeof(digits);

    do {
        digits[--n] = (char) ('0' + number % 10);
        number /= 10;
    } while (number != 0);

    memcpy(p, digits + n, sizeof(digits) - n);

    return p + sizeof(digits) - n;
}
