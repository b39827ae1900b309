#include "t/load/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOL   "HTTP/1.1 "
#define LINE_END   "\r\n"
#define HEAD_END   "\r\n\r\n"
#define LAST_CHUNK "\r\n0\r\n\r\n"
#define BASE       10

static answer_state_t is_whole(
    const char *bytes, size_t n, const char *head_end);
static const char *header(const char *bytes, const char *name);
static bool take_word(const char *text, const char *member, char *word);


answer_state_t
answer_read(const char *bytes, size_t n, answer_t *answer)
{
    const char *body, *value;
    answer_state_t state;

    if (strncmp(bytes, PROTOCOL, n < strlen(PROTOCOL) ? n : strlen(PROTOCOL))
        != 0) {
        return ANSWER_BROKEN;
    }

    body = strstr(bytes, HEAD_END);
    if (body == NULL) {
        return ANSWER_PART;
    }

    state = is_whole(bytes, n, body);
    if (state != ANSWER_WHOLE) {
        return state;
    }

    body += strlen(HEAD_END);

    answer->status = (int) strtol(bytes + strlen(PROTOCOL), NULL, BASE);

    value = header(bytes, "connection:");
    answer->closes =
        value != NULL && strncasecmp(value, "close", strlen("close")) == 0;

    if (!take_word(body, "\"job_id\":\"", answer->what)
        && !take_word(body, "\"code\":\"", answer->what))
    {
        strcpy(answer->what, "-");
    }

    return ANSWER_WHOLE;
}


/* By its length, or, in chunks, by the last one: none holds such bytes here. */
static answer_state_t
is_whole(const char *bytes, size_t n, const char *head_end)
{
    size_t length;
    const char *value;

    value = header(bytes, "content-length:");

    if (value != NULL) {
        length = (size_t) (head_end - bytes) + strlen(HEAD_END)
                 + strtoul(value, NULL, BASE);
    } else if (header(bytes, "transfer-encoding:") != NULL) {
        value = strstr(head_end, LAST_CHUNK);
        length = value == NULL ? n + 1
                               : (size_t) (value - bytes) + strlen(LAST_CHUNK);
    } else {
        return ANSWER_BROKEN;
    }

    if (length == n) {
        return ANSWER_WHOLE;
    }

    return length > n ? ANSWER_PART : ANSWER_BROKEN;
}


/* Its value; name is in lower case and ends with the colon. */
static const char *
header(const char *bytes, const char *name)
{
    const char *line;

    for (line = bytes; (line = strstr(line, LINE_END)) != NULL;) {
        line += strlen(LINE_END);

        if (strncmp(line, LINE_END, strlen(LINE_END)) == 0) {
            return NULL;
        }

        if (strncasecmp(line, name, strlen(name)) == 0) {
            line += strlen(name);
            return line + strspn(line, " ");
        }
    }

    return NULL;
}


static bool
take_word(const char *text, const char *member, char *word)
{
    size_t length;

    text = strstr(text, member);
    if (text == NULL) {
        return false;
    }

    text += strlen(member);
    length = strcspn(text, "\" \r\n");

    if (length == 0 || length >= ANSWER_WHAT_MAX) {
        return false;
    }

    memcpy(word, text, length);
    word[length] = '\0';

    return true;
}
