/*
 * One value against its parameter, by the rules of JSON Schema: an integer is
 * one by its value (1.0 and 1e3 are), bounds and formats apply to values of
 * their own type only, lengths count Unicode characters, and numbers in
 * `enum` are equal if their values are.
 */

#ifndef CLARITY_WEBHOOK_VALUE_H
#define CLARITY_WEBHOOK_VALUE_H

#include "webhook/trigger.h"

/* What is wrong with a value; a set. */
#define CLARITY_VALUE_TYPE       0x01u /* then nothing else is looked at */
#define CLARITY_VALUE_FORMAT     0x02u
#define CLARITY_VALUE_ENUM       0x04u
#define CLARITY_VALUE_MIN_LENGTH 0x08u
#define CLARITY_VALUE_MAX_LENGTH 0x10u
#define CLARITY_VALUE_MINIMUM    0x20u
#define CLARITY_VALUE_MAXIMUM    0x40u

/*
 * value->type is CLARITY_TYPE_NUMBER for every number; of an array or an
 * object it is all that counts.
 */
unsigned clarity_value_faults(
    const clarity_parameter_t *parameter, const clarity_enum_t *value);

#endif
