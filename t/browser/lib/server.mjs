// Requests to the server that is tested, as other programs make them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export const base = process.env.CLARITY_URL;
export const pageUrl = `${base}/settings/workflows/webhooks/`;
export const apiUrl = `${base}/settings/api/`;

export const contextNames = ['app_identifier', 'identity_id',
    'entitlement_id', 'expiration', 'grant_type', 'meta', 'creator_id'];

export const context = {
    app_identifier: 'github',
    identity_id: 4711,
    entitlement_id: 'admins',
    expiration: null,
    grant_type: 'role',
    meta: { ticket: 'INC1' },
    creator_id: 17,
};


// Returns { status, body, etag, type }.

export async function api(method, path, body, headers = {}) {
    const answer = await fetch(apiUrl + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();

    return {
        status: answer.status,
        etag: answer.headers.get('etag'),
        type: answer.headers.get('content-type') ?? undefined,
        body: text === '' ? null : JSON.parse(text),
    };
}


// An endpoint that no other test has.

export function unique(name) {
    return `${name}-${randomUUID().slice(0, 8)}`;
}


// Makes a webhook and waits until every nginx worker has it.

export async function makeWebhook(values) {
    const made = await api('POST', 'webhooks', {
        method: 'POST', trigger: 'provision_entitlement', ...values,
    });

    assert.equal(made.status, 201, JSON.stringify(made.body));
    await waitForLive(made.body.id);

    return made.body;
}


export async function waitForLive(id) {
    await waitUntil(`${id} to be live`, async () => {
        const { body } = await api('GET', `webhooks/${id}`);

        return body.live.workers === body.live.of;
    });
}


export async function removeAllWebhooks() {
    const { body } = await api('GET', 'webhooks?limit=200');

    for (const { id, source, revision } of body.webhooks) {
        if (source === 'settings') {
            await api('DELETE', `webhooks/${id}`, undefined,
                { 'if-match': `"${revision}"` });
        }
    }
}


// A sender: returns { status, body }.

export async function send({ method, url }, token, body = context,
    headers = {}) {
    const answer = await fetch(url, {
        method,
        headers: {
            'content-type': 'application/json',
            ...token && { 'x-clarity-webhook-token': token },
            ...headers,
        },
        body: JSON.stringify(body),
    });

    return { status: answer.status, body: JSON.parse(await answer.text()) };
}


export async function waitUntil(what, condition, seconds = 5) {
    const deadline = Date.now() + 1000 * seconds;

    for (;;) {
        const value = await condition();

        if (value) {
            return value;
        }

        assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
        await sleep(20);
    }
}
