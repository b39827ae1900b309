// The API of clarity_settings_api. Every call returns what the server said or
// throws an ApiError, whose message can be shown as it is.

import { learnServerTime } from './time.js';

// The codes of a 404 that is about a webhook, or a job; any other may be of
// what stands before the API.
export const NO_WEBHOOK = 'webhook_not_found';
export const NO_JOB = 'job_not_found';

const PATIENCE = 10_000; // ms
const UNKNOWN = ' It is not known whether the change was made.';
const LISTS = ['activity', 'jobs', 'triggers', 'webhooks', 'workflows'];
const base = new URL(
    document.querySelector('meta[name="clarity-settings-api"]').content,
    document.baseURI);


export class ApiError extends Error {
    // status: HTTP's, or 0 where no answer came
    // code:   the problem's, or '' where it had none
    // faults: [{ pointer, detail }]

    constructor(message, { status = 0, code = '', faults = [] } = {}) {
        super(message);
        this.status = status;
        this.code = code;
        this.faults = faults;
    }
}


// What is no answer of the server's is a fault of this page: the console shows
// where.

export function reportBug(error) {
    if (!(error instanceof ApiError)) {
        reportError(error);
    }
}


export const listTriggers = signal => get('triggers', 'triggers', signal);
export const listWorkflows = signal => get('workflows', 'workflows', signal);

export function listWebhooks({ after, limit }, signal) {
    const query = new URLSearchParams({ limit });

    if (after) {
        query.set('after', after);
    }

    return get(`webhooks?${query}`, 'webhooks', signal);
}

export const getWebhook = (id, signal) => get(webhook(id), 'id', signal);
export const getToken = (id, signal) =>
    get(webhook(id, 'token'), 'token', signal);
export const getActivity = (id, signal) =>
    get(webhook(id, 'activity'), 'activity', signal);

export function listJobs({ state, after, limit }, signal) {
    const query = new URLSearchParams({ limit });

    if (state) {
        query.set('state', state);
    }
    if (after) {
        query.set('after', after);
    }

    return get(`jobs?${query}`, 'jobs', signal);
}

export const getJob = (id, signal) => get(job(id), 'job_id', signal);
export const retryJob = id =>
    send('POST', job(id, 'retry'), 'job_id', { body: {} });

export const createWebhook = body =>
    send('POST', 'webhooks', 'id', { body });

// `revision` is that of the webhook which the reader saw: if somebody else was
// faster it fails with status 412.

export const changeWebhook = (id, revision, body) =>
    send('PATCH', webhook(id), 'id', { body, revision });

export const deleteWebhook = (id, revision) =>
    send('DELETE', webhook(id), null, { revision });

export const rotateToken = (id, revision, overlap) =>
    send('POST', webhook(id, 'rotate'), 'token',
        { body: { overlap }, revision });

export const revokeToken = (id, revision, tokenId) =>
    send('POST', webhook(id, 'revoke'), 'id',
        { body: { token_id: tokenId }, revision });


function webhook(id, ...rest) {
    return ['webhooks', id, ...rest].map(encodeURIComponent).join('/');
}


function job(id, ...rest) {
    return ['jobs', id, ...rest].map(encodeURIComponent).join('/');
}


// `sign`: a member that the answer has if it is the API's, and a list where it
// is named as one; null where nothing is answered.

function get(path, sign, signal) {
    return call(path, sign, { signal });
}


function send(method, path, sign, { body, revision }) {
    const headers = { 'content-type': 'application/json' };

    if (revision !== undefined) {
        headers['if-match'] = `"${revision}"`;
    }

    return call(path, sign, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
    });
}


async function call(path, sign, { signal, ...options }) {
    const late = AbortSignal.timeout(PATIENCE);
    let answer, text;

    try {
        answer = await fetch(new URL(path, base), {
            ...options,
            cache: 'no-store',
            signal: signal ? AbortSignal.any([signal, late]) : late,
        });
        text = await answer.text();
    } catch (error) {
        throw signal?.aborted ? error : new ApiError(noAnswer(late, options));
    }

    learnServerTime(answer.headers.get('date'));

    if (!answer.ok) {
        throw refusal(answer, text);
    }

    return sign === null ? null : read(text, sign, answer.url, options);
}


// Something else may stand where the page looks for the API.

function read(text, sign, url, { method = 'GET' }) {
    const value = parse(text);
    const good = LISTS.includes(sign) ? Array.isArray(value?.[sign])
        : typeof value?.[sign] === 'string';

    if (!good) {
        throw new ApiError(`The answer of ${url} is not`
            + ` ${value === null ? 'JSON' : 'of this API'}. Is`
            + ' clarity_settings_api at that address?'
            + (method === 'GET' ? '' : UNKNOWN));
    }

    return value;
}


function noAnswer(late, { method = 'GET' }) {
    const what = late.aborted
        ? `The server has not answered within ${PATIENCE / 1000} seconds.`
        : 'The server cannot be reached.';

    return method === 'GET' ? what : what + UNKNOWN;
}


function refusal({ status }, text) {
    const problem = parse(text) ?? {};

    return new ApiError(problem.detail || problem.title || sayWhy(status), {
        status,
        code: problem.code,
        faults: Array.isArray(problem.errors) ? problem.errors : [],
    });
}


// What stands before the API, or in its place, answers in HTML.

function sayWhy(status) {
    if (status === 401 || status === 403) {
        return `You are not signed in, or may not do this (HTTP ${status}).`
            + ' Reload the page to sign in.';
    }

    if (status === 404) {
        return 'The server answered with HTTP 404. Is clarity_settings_api at'
            + ` ${base}?`;
    }

    return `The server answered with HTTP ${status}.`;
}


function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}
