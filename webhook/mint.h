/*
 * New ids and tokens of webhooks, from OpenSSL's random source:
 *
 *   webhook id   wh_ and 20 characters
 *   token id     tk_ and 12 characters
 *   token        clarity_wh_, 43 characters (256 bits), 6 of a checksum
 *
 * All characters are of base62 (0-9A-Za-z), each as likely as another. The
 * prefix and the checksum, CRC-32 (ISO-HDLC, as in gzip) of all before it as
 * a base62 number with leading zeros, are there for secret scanners: they
 * find a token that got into a repository, and tell it from other text
 * without asking anybody.
 */

#ifndef CLARITY_WEBHOOK_MINT_H
#define CLARITY_WEBHOOK_MINT_H

#include "json/str.h"

#define CLARITY_WEBHOOK_ID_LEN   (3 + 20)
#define CLARITY_TOKEN_ID_LEN     (3 + 12)
#define CLARITY_MINTED_TOKEN_LEN (11 + 43 + 6)

/*
 * All three add a NUL. false: the random source failed, and out is empty. A
 * token is the caller's to wipe.
 */
bool clarity_mint_webhook_id(char out[CLARITY_WEBHOOK_ID_LEN + 1]);
bool clarity_mint_token_id(char out[CLARITY_TOKEN_ID_LEN + 1]);
bool clarity_mint_token(char out[CLARITY_MINTED_TOKEN_LEN + 1]);

/* Is it one that these could have made? Says nothing about its use. */
bool clarity_webhook_id_well_formed(clarity_str_t text);
bool clarity_token_id_well_formed(clarity_str_t text);
bool clarity_token_well_formed(clarity_str_t text);

#endif
