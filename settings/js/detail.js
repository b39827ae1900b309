// One webhook: what a sender needs, a test, its tokens and what came in.

import { NO_WEBHOOK, getActivity, getWebhook, listTriggers, listWorkflows }
    from './api.js';
import { activityCard } from './detail-activity.js';
import { detailHead } from './detail-head.js';
import { requestCard } from './detail-request.js';
import { testCard } from './detail-test.js';
import { tokensCard } from './detail-tokens.js';
import { workflowsCard } from './detail-workflows.js';
import { h, setChildren } from './dom.js';
import { announce, sayFailed } from './messages.js';
import { poll } from './poll.js';
import { listHash } from './router.js';
import { tokenOf } from './token.js';
import { sayMethodAndEndpoint } from './words.js';

const REFRESH = 2; // seconds


export function detailView({ captured: [id], signal, setTitle }) {
    const heading = h('h1', { tabindex: -1 }, 'Webhook');
    const place = h('div', {}, heading,
        h('p', { class: 'loading' }, 'Loading…'));
    const updates = poll({ task, seconds: REFRESH, signal });

    // The webhook as it was read last. What was asked for before a change of
    // ours was made is older than what that change brought: `changes` tells.
    let current = null;
    let changes = 0;
    let parts = null;
    let titles = new Map();

    async function task() {
        const before = changes;
        let webhook, activity, workflows;

        try {
            [webhook, { activity }, { workflows }] = await Promise.all([
                getWebhook(id, signal),
                getActivity(id, signal),
                listWorkflows(signal),
            ]);
        } catch (error) {
            if (error.code === NO_WEBHOOK) {
                showGone();
                return;
            }

            throw error;
        }

        if (!parts) {
            await build(webhook);
        }

        parts.activity.update(activity);
        parts.workflows.update(webhook, workflows);

        if (before === changes) {
            update(webhook);
        }
    }

    async function build(webhook) {
        const { triggers } = await listTriggers(signal);
        const trigger = triggers.find(
            ({ name }) => name === webhook.trigger);
        const token = tokenOf(webhook);

        titles = new Map(triggers.map(
            ({ name, title }) => [name, title || name]));

        // The heading moves into the head, and the focus has to go with it.
        const hadFocus = place.contains(document.activeElement);

        current = webhook;
        parts = {
            head: detailHead(heading, context),
            request: requestCard(webhook, token, triggers),
            test: testCard(webhook, trigger?.parameters, token,
                updates.refresh),
            activity: activityCard(updates.pauseButton),
            tokens: tokensCard(token, context),
            workflows: workflowsCard(triggers),
        };

        setChildren(place, h('div', { class: 'view' },
            parts.head.node,
            h('div', { class: 'with-side' },
                parts.request.node,
                h('div', { class: 'stack' },
                    parts.workflows.node, parts.tokens.node)),
            parts.test.node,
            parts.activity.node));

        if (hadFocus) {
            heading.focus({ preventScroll: true });
        }
    }

    function update(webhook) {
        current = webhook;
        setTitle(sayMethodAndEndpoint(webhook));

        for (const part of [parts.head, parts.request, parts.test,
            parts.tokens]) {
            part.update(webhook);
        }
    }

    // What the cards change the webhook through.
    const context = {
        current: () => current,
        titleOf: name => titles.get(name) ?? name,
        change,
        refresh: updates.refresh,
    };

    // `action` gets the webhook that the reader saw and may return it as it is
    // then. True if it was done. `failed` is what becomes of an error, and may
    // fail itself.

    async function change(action, failed = sayError, seen = current) {
        changes += 1;

        try {
            const webhook = await action(seen);

            changes += 1;

            if (webhook) {
                update(webhook);
            }

            return true;
        } catch (error) {
            await updates.refresh();
            await failed(error);

            return false;
        } finally {
            updates.refresh();
        }
    }

    function sayError(error) {
        sayFailed(error.status === 412 ? 'Somebody else has just changed this'
            + ' webhook, so nothing was done. It is shown as it is now: look,'
            + ' and try again if you still want to.' : error.message);
    }

    function showGone() {
        const title = h('h1', { tabindex: -1 }, 'This webhook is gone');

        const hadFocus = place.contains(document.activeElement);

        updates.stop();
        setTitle('Gone');
        setChildren(place, h('div', { class: 'empty' }, title,
            h('p', {}, 'There is no webhook with this id. Somebody may have'
                + ' deleted it.'),
            h('a', { class: 'button', href: listHash() }, 'All webhooks')));
        announce('This webhook is gone');

        if (hadFocus) {
            title.focus();
        }
    }

    return {
        title: 'Webhook',
        heading,
        node: h('div', { class: 'view' }, updates.banner, place),
    };
}
