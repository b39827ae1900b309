// The header that a webhook's token travels in.

const DEFAULT = 'x-clarity-webhook-token';

export function headerOf({ token_header: header }) {
    return header || DEFAULT;
}
