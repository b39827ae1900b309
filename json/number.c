#include "json/number.h"

/* A distance of exponents that no text is long enough to make up for. */
#define CLARITY_NUMBER_FAR 100000000000000000LL

/*
 * The value is 0.DDD… * 10^(exponent + point), D being the digits of
 * `integer` and then of `fraction`, where the first digit is not 0.
 */
typedef struct {
    bool negative;
    clarity_str_t integer;
    clarity_str_t fraction;
    long long point;
    bool exponent_negative;
    clarity_str_t exponent; /* digits; may be empty */
} parts_t;

static parts_t split(clarity_str_t number);
static clarity_str_t take_digits(clarity_str_t *rest);
static void drop_zeros(clarity_str_t *digits);
static bool is_zero(const parts_t *parts);
static long long exponent_distance(const parts_t *a, const parts_t *b);
static size_t ndigits(const parts_t *parts);
static char digit_at(const parts_t *parts, size_t i);


bool
clarity_number_is_integer(clarity_str_t number)
{
    parts_t parts;
    static const parts_t none;

    parts = split(number);

    return is_zero(&parts)
           || exponent_distance(&parts, &none) + parts.point
                  >= (long long) ndigits(&parts);
}


int
clarity_number_compare(clarity_str_t a, clarity_str_t b)
{
    int sign;
    char da, db;
    size_t i, n;
    parts_t pa, pb;
    long long distance;

    pa = split(a);
    pb = split(b);

    if (is_zero(&pa) || is_zero(&pb)) {
        if (is_zero(&pa) && is_zero(&pb)) {
            return 0;
        }
        if (is_zero(&pa)) {
            return pb.negative ? 1 : -1;
        }
        return pa.negative ? -1 : 1;
    }

    if (pa.negative != pb.negative) {
        return pa.negative ? -1 : 1;
    }

    sign = pa.negative ? -1 : 1;

    distance = exponent_distance(&pa, &pb) + pa.point - pb.point;
    if (distance != 0) {
        return distance < 0 ? -sign : sign;
    }

    n = ndigits(&pa) > ndigits(&pb) ? ndigits(&pa) : ndigits(&pb);

    for (i = 0; i < n; i++) {
        da = digit_at(&pa, i);
        db = digit_at(&pb, i);
        if (da != db) {
            return da < db ? -sign : sign;
        }
    }

    return 0;
}


bool
clarity_number_to_size(clarity_str_t number, size_t max, size_t *value)
{
    size_t i, n, digit;
    parts_t parts;
    long long places;
    static const parts_t none;

    parts = split(number);
    *value = 0;

    if (is_zero(&parts)) {
        return true;
    }

    /* Digits before the decimal point; SIZE_MAX has 20. */
    places = exponent_distance(&parts, &none) + parts.point;

    if (parts.negative || places > 20 || places < (long long) ndigits(&parts))
    {
        return false;
    }

    n = 0;

    for (i = 0; i < (size_t) places; i++) {
        digit = (size_t) (digit_at(&parts, i) - '0');
        if (n > max / 10 || digit > max - n * 10) {
            return false;
        }
        n = n * 10 + digit;
    }

    *value = n;
    return true;
}


static parts_t
split(clarity_str_t number)
{
    parts_t parts;
    clarity_str_t rest;
    size_t len;

    memset(&parts, 0, sizeof(parts));
    rest = number;

    if (rest.len != 0 && rest.data[0] == '-') {
        parts.negative = true;
        rest.data++;
        rest.len--;
    }

    parts.integer = take_digits(&rest);

    if (rest.len != 0 && rest.data[0] == '.') {
        rest.data++;
        rest.len--;
        parts.fraction = take_digits(&rest);
    }

    if (rest.len != 0) { /* e or E */
        rest.data++;
        rest.len--;

        if (rest.len != 0 && (rest.data[0] == '-' || rest.data[0] == '+')) {
            parts.exponent_negative = rest.data[0] == '-';
            rest.data++;
            rest.len--;
        }

        parts.exponent = take_digits(&rest);
        drop_zeros(&parts.exponent);
    }

    drop_zeros(&parts.integer);
    parts.point = (long long) parts.integer.len;

    if (parts.integer.len == 0) {
        len = parts.fraction.len;
        drop_zeros(&parts.fraction);
        parts.point = -(long long) (len - parts.fraction.len);
    }

    /* Zeros at the end change nothing but the count of digits. */

    while (parts.fraction.len != 0
           && parts.fraction.data[parts.fraction.len - 1] == '0')
    {
        parts.fraction.len--;
    }

    while (parts.fraction.len == 0 && parts.integer.len != 0
           && parts.integer.data[parts.integer.len - 1] == '0')
    {
        parts.integer.len--;
    }

    return parts;
}


static clarity_str_t
take_digits(clarity_str_t *rest)
{
    clarity_str_t digits = { rest->data, 0 };

    while (rest->len != 0 && rest->data[0] >= '0' && rest->data[0] <= '9') {
        rest->data++;
        rest->len--;
        digits.len++;
    }

    return digits;
}


static void
drop_zeros(clarity_str_t *digits)
{
    while (digits->len != 0 && digits->data[0] == '0') {
        digits->data++;
        digits->len--;
    }
}


static bool
is_zero(const parts_t *parts)
{
    return ndigits(parts) == 0;
}


/*
 * a's exponent less b's, or CLARITY_NUMBER_FAR and more in that direction. The
 * digits are subtracted from the left: 18 at most for each, so what stands
 * behind only widens a distance of more than 2.
 */
static long long
exponent_distance(const parts_t *a, const parts_t *b)
{
    size_t i, n;
    long long distance;

    n = a->exponent.len > b->exponent.len ? a->exponent.len : b->exponent.len;
    distance = 0;

    for (i = n; i != 0; i--) {
        distance *= 10;

        if (i <= a->exponent.len) {
            distance += (a->exponent_negative ? -1 : 1)
                        * (a->exponent.data[a->exponent.len - i] - '0');
        }

        if (i <= b->exponent.len) {
            distance -= (b->exponent_negative ? -1 : 1)
                        * (b->exponent.data[b->exponent.len - i] - '0');
        }

        if (distance >= CLARITY_NUMBER_FAR || distance <= -CLARITY_NUMBER_FAR)
        {
            break;
        }
    }

    return distance;
}


static size_t
ndigits(const parts_t *parts)
{
    return parts->integer.len + parts->fraction.len;
}


/* Behind the last digit come zeros. */
static char
digit_at(const parts_t *parts, size_t i)
{
    if (i < parts->integer.len) {
        return parts->integer.data[i];
    }

    i -= parts->integer.len;
    return i < parts->fraction.len ? parts->fraction.data[i] : '0';
}
