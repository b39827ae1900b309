// Sends a request to a webhook, as any sender would.

import { headerOf } from './header.js';
import { requestOf } from './snippets.js';

const PATIENCE = 15_000; // ms


// Returns { status, body, time (in ms) }; an error's message can be
// shown as it is.

export async function sendToWebhook(webhook, { context, token, dry }) {
    const request = requestOf(webhook, context);
    const headers = { [headerOf(webhook)]: token };

    if (new URL(request.url, location).origin !== location.origin) {
        throw new Error('This webhook answers at another origin than this'
            + ' page, where the browser does not let it send to. Use a line'
            + ' for the terminal.');
    }
    if (request.body !== null) {
        headers['content-type'] = 'application/json';
    }
    if (dry) {
        headers['x-clarity-dry-run'] = '1';
    }

    const began = performance.now();
    const answer = await ask(request, headers);
    const body = await answer.text();

    return {
        status: answer.status,
        body,
        time: Math.round(performance.now() - began),
    };
}


// Neither cookies nor passwords: a sender has none of those of this page.

async function ask({ method, url, body }, headers) {
    try {
        return await fetch(url, {
            method,
            headers,
            body,
            cache: 'no-store',
            credentials: 'omit',
            redirect: 'error',
            signal: AbortSignal.timeout(PATIENCE),
        });
    } catch (error) {
        throw new Error(error.name === 'TimeoutError'
            ? `There was no answer within ${PATIENCE / 1000} seconds.`
            : 'The webhook cannot be reached, or the token holds what no'
                + ' header can.');
    }
}
