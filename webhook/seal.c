#include "webhook/seal.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "webhook/base64.h"
#include "webhook/token.h"

#define VERSION "v1."

#define KEY_LEN   32 /* bytes, as all below */
#define NONCE_LEN 12
#define TAG_LEN   16

#define PACKED_MAX (NONCE_LEN + CLARITY_SEAL_TEXT_MAX + TAG_LEN)

_Static_assert(CLARITY_SEALED_MAX
                   == sizeof(VERSION) - 1 + CLARITY_SEAL_KEY_ID_MAX + 1
                          + CLARITY_BASE64URL_LEN(PACKED_MAX),
    "CLARITY_SEALED_MAX is the longest sealed token");

typedef struct {
    char id[CLARITY_SEAL_KEY_ID_MAX];
    size_t id_len;
    unsigned line;
    unsigned char bytes[KEY_LEN];
} seal_key_t;

struct clarity_seal_keys_s {
    size_t count;
    seal_key_t keys[CLARITY_SEAL_KEYS_MAX];
};

/* A sealed text taken apart. */
typedef struct {
    clarity_str_t key_id;
    unsigned char packed[PACKED_MAX]; /* nonce, text, tag */
    size_t text_len;
} sealed_t;

static bool add_key(clarity_seal_keys_t *keys, clarity_str_t text,
    const char *file, unsigned line, clarity_error_t *error);
static const seal_key_t *find_key(
    const clarity_seal_keys_t *keys, clarity_str_t id);
static bool is_key_id(clarity_str_t id);
static clarity_str_t id_of(const seal_key_t *key);
static bool unpack(clarity_str_t text, sealed_t *sealed);
static bool encrypt(const seal_key_t *key, clarity_str_t token,
    clarity_str_t webhook_id, clarity_str_t token_id, unsigned char *packed);
static clarity_seal_status_t decrypt(const seal_key_t *key, sealed_t *sealed,
    clarity_str_t webhook_id, clarity_str_t token_id, unsigned char *token);
static EVP_CIPHER_CTX *begin(const seal_key_t *key, const unsigned char *nonce,
    clarity_str_t webhook_id, clarity_str_t token_id, int encrypts);
static bool add_ids(
    EVP_CIPHER_CTX *ctx, clarity_str_t webhook_id, clarity_str_t token_id);


clarity_seal_keys_t *
clarity_seal_keys_parse(
    clarity_str_t text, const char *file, clarity_error_t *error)
{
    unsigned line;
    clarity_str_t rest, key;
    clarity_seal_keys_t *keys;

    keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        clarity_error(error, "%s: out of memory", file);
        return NULL;
    }

    rest = text;
    line = 0;

    while (clarity_token_next_line(&rest, &line, &key)) {
        if (key.data[0] != '#' && !add_key(keys, key, file, line, error)) {
            clarity_seal_keys_free(keys);
            return NULL;
        }
    }

    if (keys->count == 0) {
        clarity_error(error,
            "%s: holds no key, expected a line ID:KEY as "
            "`echo \"k1:$(openssl rand -base64 32)\"` makes one",
            file);
        clarity_seal_keys_free(keys);
        return NULL;
    }

    return keys;
}


void
clarity_seal_keys_free(clarity_seal_keys_t *keys)
{
    if (keys != NULL) {
        OPENSSL_cleanse(keys, sizeof(*keys));
        free(keys);
    }
}


const char *
clarity_seal_status_text(clarity_seal_status_t status)
{
    switch (status) {
    case CLARITY_SEAL_OK: break;
    case CLARITY_SEAL_MALFORMED:
        return "is not of the form v1.KEY_ID.BASE64URL";
    case CLARITY_SEAL_UNKNOWN_KEY:
        return "is sealed with a key that is not in the key file";
    case CLARITY_SEAL_FORGED:
        return "was changed, or sealed for another webhook or token, or with "
               "another key of the same id";
    case CLARITY_SEAL_FAILED: return "could not be worked on: out of memory";
    }

    return "";
}


clarity_seal_status_t
clarity_seal(const clarity_seal_keys_t *keys, clarity_str_t token,
    clarity_str_t webhook_id, clarity_str_t token_id,
    char sealed[CLARITY_SEALED_MAX + 1])
{
    char *p;
    bool ok;
    size_t n;
    const seal_key_t *key;
    unsigned char packed[PACKED_MAX];

    sealed[0] = '\0';

    if (token.len == 0 || token.len > CLARITY_SEAL_TEXT_MAX) {
        return CLARITY_SEAL_MALFORMED;
    }

    key = &keys->keys[0];

    /* Old errors in OpenSSL's queue are the caller's, new ones would be
     * blamed on its next TLS connection. */
    ERR_set_mark();

    ok = RAND_bytes(packed, NONCE_LEN) == 1
         && encrypt(key, token, webhook_id, token_id, packed);

    ERR_pop_to_mark();

    if (!ok) {
        return CLARITY_SEAL_FAILED;
    }

    n = NONCE_LEN + token.len + TAG_LEN;

    p = sealed;
    memcpy(p, VERSION, sizeof(VERSION) - 1);
    p += sizeof(VERSION) - 1;
    memcpy(p, key->id, key->id_len);
    p += key->id_len;
    *p++ = '.';
    clarity_base64url_encode(packed, n, p);
    p[CLARITY_BASE64URL_LEN(n)] = '\0';

    return CLARITY_SEAL_OK;
}


clarity_seal_status_t
clarity_unseal(const clarity_seal_keys_t *keys, clarity_str_t sealed,
    clarity_str_t webhook_id, clarity_str_t token_id,
    char token[CLARITY_SEAL_TEXT_MAX + 1], size_t *len)
{
    sealed_t parts;
    const seal_key_t *key;
    clarity_seal_status_t status;

    token[0] = '\0';
    *len = 0;

    if (!unpack(sealed, &parts)) {
        return CLARITY_SEAL_MALFORMED;
    }

    key = find_key(keys, parts.key_id);
    if (key == NULL) {
        return CLARITY_SEAL_UNKNOWN_KEY;
    }

    ERR_set_mark();
    status =
        decrypt(key, &parts, webhook_id, token_id, (unsigned char *) token);
    ERR_pop_to_mark();

    if (status != CLARITY_SEAL_OK) {
        /* GCM hands out the text before it has seen the tag. */
        OPENSSL_cleanse(token, CLARITY_SEAL_TEXT_MAX + 1);
        return status;
    }

    token[parts.text_len] = '\0';
    *len = parts.text_len;

    return CLARITY_SEAL_OK;
}


clarity_str_t
clarity_sealed_key_id(clarity_str_t sealed)
{
    sealed_t parts;

    return unpack(sealed, &parts) ? parts.key_id : clarity_lit("");
}


/* No message quotes what may be a key at the wrong place. */
static bool
add_key(clarity_seal_keys_t *keys, clarity_str_t text, const char *file,
    unsigned line, clarity_error_t *error)
{
    size_t n;
    const char *colon;
    clarity_str_t id, bytes;
    seal_key_t *key;
    const seal_key_t *same;

    colon = memchr(text.data, ':', text.len);

    id.data = text.data;
    id.len = colon == NULL ? 0 : (size_t) (colon - text.data);

    if (!is_key_id(id)) {
        return clarity_error(error,
            "%s:%u: expected ID:KEY, the id 1 to %d letters, digits, _ or -, "
            "the key 32 bytes in base64",
            file, line, CLARITY_SEAL_KEY_ID_MAX);
    }

    if (keys->count == CLARITY_SEAL_KEYS_MAX) {
        return clarity_error(error,
            "%s:%u: one key too many, expected %d at most", file, line,
            CLARITY_SEAL_KEYS_MAX);
    }

    key = &keys->keys[keys->count];

    bytes.data = colon + 1;
    bytes.len = text.len - id.len - 1;

    if (!clarity_base64_decode(CLARITY_BASE64, bytes, key->bytes, KEY_LEN, &n)
        || n != KEY_LEN)
    {
        return clarity_error(error,
            "%s:%u: the key is not 32 bytes in base64, expected what "
            "`openssl rand -base64 32` prints",
            file, line);
    }

    same = find_key(keys, id);
    if (same != NULL) {
        return clarity_error(error,
            "%s:%u: the id \"%.*s\" stands in line %u too, expected another",
            file, line, clarity_fmt(id), same->line);
    }

    memcpy(key->id, id.data, id.len);
    key->id_len = id.len;
    key->line = line;
    keys->count++;

    return true;
}


static const seal_key_t *
find_key(const clarity_seal_keys_t *keys, clarity_str_t id)
{
    size_t i;

    for (i = 0; i < keys->count; i++) {
        if (clarity_str_eq(id_of(&keys->keys[i]), id)) {
            return &keys->keys[i];
        }
    }

    return NULL;
}


static bool
is_key_id(clarity_str_t id)
{
    char c;
    size_t i;

    if (id.len == 0 || id.len > CLARITY_SEAL_KEY_ID_MAX) {
        return false;
    }

    for (i = 0; i < id.len; i++) {
        c = id.data[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')
            && !(c >= '0' && c <= '9') && c != '_' && c != '-')
        {
            return false;
        }
    }

    return true;
}


static clarity_str_t
id_of(const seal_key_t *key)
{
    return (clarity_str_t){ key->id, key->id_len };
}


static bool
unpack(clarity_str_t text, sealed_t *sealed)
{
    size_t n;
    const char *dot, *end;
    clarity_str_t version, body;

    version = clarity_lit(VERSION);

    if (text.len < version.len
        || memcmp(text.data, version.data, version.len) != 0)
    {
        return false;
    }

    end = text.data + text.len;
    sealed->key_id.data = text.data + version.len;

    dot = memchr(sealed->key_id.data, '.', text.len - version.len);
    if (dot == NULL) {
        return false;
    }

    sealed->key_id.len = (size_t) (dot - sealed->key_id.data);

    body.data = dot + 1;
    body.len = (size_t) (end - body.data);

    if (!is_key_id(sealed->key_id)
        || !clarity_base64_decode(
            CLARITY_BASE64URL, body, sealed->packed, PACKED_MAX, &n)
        || n <= NONCE_LEN + TAG_LEN)
    {
        return false;
    }

    sealed->text_len = n - NONCE_LEN - TAG_LEN;

    return true;
}


/* The nonce is at packed already. */
static bool
encrypt(const seal_key_t *key, clarity_str_t token, clarity_str_t webhook_id,
    clarity_str_t token_id, unsigned char *packed)
{
    int n;
    bool ok;
    unsigned char *text;
    EVP_CIPHER_CTX *ctx;

    text = packed + NONCE_LEN;
    ctx = begin(key, packed, webhook_id, token_id, 1);

    ok = ctx != NULL
         && EVP_CipherUpdate(ctx, text, &n, (const unsigned char *) token.data,
                (int) token.len)
                == 1
         && EVP_CipherFinal_ex(ctx, text + n, &n) == 1
         && EVP_CIPHER_CTX_ctrl(
                ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + token.len)
                == 1;

    EVP_CIPHER_CTX_free(ctx);

    return ok;
}


static clarity_seal_status_t
decrypt(const seal_key_t *key, sealed_t *sealed, clarity_str_t webhook_id,
    clarity_str_t token_id, unsigned char *token)
{
    int n;
    unsigned char *text;
    EVP_CIPHER_CTX *ctx;
    clarity_seal_status_t status;

    text = sealed->packed + NONCE_LEN;
    ctx = begin(key, sealed->packed, webhook_id, token_id, 0);
    status = CLARITY_SEAL_FAILED;

    if (ctx != NULL
        && EVP_CipherUpdate(ctx, token, &n, text, (int) sealed->text_len) == 1
        && EVP_CIPHER_CTX_ctrl(
               ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, text + sealed->text_len)
               == 1)
    {
        status = EVP_CipherFinal_ex(ctx, token + n, &n) == 1
                     ? CLARITY_SEAL_OK
                     : CLARITY_SEAL_FORGED;
    }

    EVP_CIPHER_CTX_free(ctx);

    return status;
}


/* NULL: the library failed. Freeing the context wipes its key. */
static EVP_CIPHER_CTX *
begin(const seal_key_t *key, const unsigned char *nonce,
    clarity_str_t webhook_id, clarity_str_t token_id, int encrypts)
{
    EVP_CIPHER_CTX *ctx;

    ctx = EVP_CIPHER_CTX_new();

    if (ctx != NULL
        && EVP_CipherInit_ex(
               ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce, encrypts)
               == 1
        && add_ids(ctx, webhook_id, token_id))
    {
        return ctx;
    }

    EVP_CIPHER_CTX_free(ctx);

    return NULL;
}


/* "<webhook id> <token id>": no id holds a space. */
static bool
add_ids(EVP_CIPHER_CTX *ctx, clarity_str_t webhook_id, clarity_str_t token_id)
{
    int n;
    size_t i;
    clarity_str_t parts[] = { webhook_id, clarity_lit(" "), token_id };

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (EVP_CipherUpdate(ctx, NULL, &n,
                (const unsigned char *) parts[i].data, (int) parts[i].len)
            != 1)
        {
            return false;
        }
    }

    return true;
}
