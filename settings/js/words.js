// What the server's words mean, said to an administrator.

const OUTCOMES = {
    accepted: 'Accepted',
    duplicate: 'Accepted before',
    valid: 'Valid, checked only',
    webhook_not_found: 'No such webhook',
    token_missing: 'No authentication token',
    token_invalid: 'Wrong authentication token',
    method_not_allowed: 'Wrong method',
    webhook_disabled: 'Webhook is off',
    media_type_unsupported: 'Not sent as JSON',
    json_invalid: 'Broken JSON',
    context_twice: 'Context sent twice',
    context_invalid: 'Wrong context',
    idempotency_key_reused: 'Idempotency key used twice',
    payload_too_large: 'Too large',
    rate_limited: 'Too many requests',
    bad_request: 'Not a good HTTP request',
    request_timeout: 'Sent too slowly',
    queue_full: 'Queue is full',
    durability_unavailable: 'Not durable enough',
    webhooks_not_loaded: 'Webhooks not loaded yet',
    queue_unavailable: 'Queue is away',
    queue_timeout: 'Queue did not answer',
    internal: 'Internal error',
};

const FAULTS = {
    missing: 'missing',
    out_of_order: 'out of order',
    unknown: 'not known',
    duplicate: 'there twice',
    wrong_type: 'of the wrong type',
    wrong_format: 'in the wrong format',
    not_allowed: 'not an allowed value',
};

export const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'];

export const ORDERS = {
    strict: ['In the displayed order',
        'What is out of order is refused, as Clarity has it.'],
    any: ['In any order',
        'For senders that sort their parameters by name.'],
};

export const UNKNOWNS = {
    reject: ['Refuse the request',
        'A misspelt name is found at once.'],
    drop: ['Drop them',
        'The job holds the required context alone.'],
    keep: ['Keep them',
        'They become part of the job.'],
};

// HTTP/2 carries no words, and nginx has none for 422.
const REASONS = {
    200: 'OK',
    201: 'Created',
    202: 'Accepted',
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    408: 'Request Timeout',
    410: 'Gone',
    413: 'Content Too Large',
    415: 'Unsupported Media Type',
    422: 'Unprocessable Content',
    429: 'Too Many Requests',
    500: 'Internal Server Error',
    502: 'Bad Gateway',
    503: 'Service Unavailable',
    504: 'Gateway Timeout',
};

export const STATUSES = Object.fromEntries(
    [202, 201, 200].map(status => [status, sayStatus(status)]));


export function sayOutcome(code) {
    return OUTCOMES[code] ?? plain(code);
}


// good, bad or '' for neither.

export function kindOfOutcome({ outcome, status }) {
    if (outcome === 'valid' || outcome === 'duplicate') {
        return '';
    }

    return status >= 200 && status < 300 ? 'good' : 'bad';
}


// Two nodes would do for name and fault, but it is read as one sentence.

export function sayFault({ code, parameter }) {
    const what = FAULTS[code] ?? plain(code);

    return parameter ? `${parameter}: ${what}` : what;
}


// What of a webhook can be changed, and what it is called.
export const FIELDS = {
    method: 'Method',
    endpoint: 'Endpoint',
    trigger: 'Trigger',
    active: 'Active',
    order: 'Order of the parameters',
    unknown: 'Other parameters',
    status: 'Answer',
    idempotency: 'Idempotency keys',
};


// The value of one of these, but for a trigger's title.

export function sayValue(name, value) {
    switch (name) {
    case 'active':
        return value ? 'on' : 'off';
    case 'order':
        return ORDERS[value]?.[0] ?? value;
    case 'unknown':
        return UNKNOWNS[value]?.[0] ?? value;
    case 'status':
        return STATUSES[value] ?? String(value);
    case 'idempotency':
        return sayIdempotency(value);
    default:
        return value;
    }
}


export function sayIdempotency(value) {
    if (value === null || value === undefined) {
        return 'As nginx.conf has it (24h if it says nothing)';
    }

    return value === 'off' ? 'Off' : `For ${value}`;
}


export function sayLive({ workers, of }) {
    return `Live on ${workers} of ${of}`;
}


export function count(n, one, many = `${one}s`) {
    return `${n} ${n === 1 ? one : many}`;
}


export function sayMethodAndEndpoint({ method, endpoint }) {
    return `${method} ${endpoint}`;
}


export function sayStatus(status) {
    return `${status} ${REASONS[status] ?? ''}`.trim();
}


// What the server says of a value, as a sentence of its own.

export function sayDetail(detail) {
    const text = String(detail);
    const end = /[.!?]$/.test(text) ? '' : '.';

    return text.charAt(0).toUpperCase() + text.slice(1) + end;
}


// A code that this page does not know yet.

function plain(code) {
    const text = String(code ?? '').replaceAll('_', ' ');

    return text.charAt(0).toUpperCase() + text.slice(1);
}
