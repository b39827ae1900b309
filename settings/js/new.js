// Add New Webhook.

import { createWebhook, listTriggers } from './api.js';
import { h } from './dom.js';
import { webhookForm } from './form.js';
import { loading } from './loading.js';
import { sayDone } from './messages.js';
import { go, listHash, webhookHash } from './router.js';
import { sayMethodAndEndpoint } from './words.js';


export function newView({ signal }) {
    const heading = h('h1', { tabindex: -1 }, 'Add New Webhook');

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {},
                h('a', { class: 'back', href: listHash() }, 'All webhooks'),
                heading)),
        loading(async () => {
            const triggers = await listTriggers(signal);

            return makeForm(triggers).node;
        }, signal));

    return { title: 'Add New Webhook', heading, node };
}


function makeForm(triggers) {
    const form = webhookForm({
        triggers,
        submit: 'Create Webhook',
        cancelHash: listHash(),
        save,
    });

    async function save(values) {
        let webhook;

        try {
            webhook = await createWebhook(values);
        } catch (error) {
            form.showFaults(error);
            return;
        }

        sayDone(`${sayMethodAndEndpoint(webhook)} is created. Give the sender`
            + ' its URL and its authentication token.', { keep: true });
        go(webhookHash(webhook.id));
    }

    return form;
}
