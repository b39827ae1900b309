#include "t/load/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOL "HTTP/1.1 "
#define LINE_END "\r\n"
#define HEAD_END "\r\n\r\n"
#define BASE     10

static const char *header(const char *bytes, const char *name);
static bool take_word(const char *text, const char *member, char *word);


answer_state_t
answer_read(const char *bytes, size_t n, answer_t *answer)
{
    size_t length;
    const char *body, *value;

    if (strncmp(bytes, PROTOCOL, n < strlen(PROTOCOL) ? n : strlen(PROTOCOL))
        != 0) {
        return ANSWER_BROKEN;
    }

    body = strstr(bytes, HEAD_END);
    if (body == NULL) {
        return ANSWER_PART;
    }

    value = header(bytes, "content-length:");
    if (value == NULL) {
        return ANSWER_BROKEN;
    }

    body += strlen(HEAD_END);
    length = (size_t) (body - bytes) + strtoul(value, NULL, BASE);

    if (length != n) {
        return length > n ? ANSWER_PART : ANSWER_BROKEN;
    }

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
