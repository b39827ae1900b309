// Changing a webhook. If somebody else saves first, what was typed stays, and
// what they saved is shown beside it.

import { NO_WEBHOOK, changeWebhook, createWebhook, getWebhook, listTriggers }
    from './api.js';
import { h, icon, setChildren } from './dom.js';
import { webhookForm } from './form.js';
import { loading } from './loading.js';
import { sayDone } from './messages.js';
import { go, goInstead, listHash, webhookHash } from './router.js';
import { count, sayMethodAndEndpoint, sayValue } from './words.js';

const NAMES = ['method', 'endpoint', 'trigger', 'order', 'unknown', 'status',
    'idempotency'];


export function editView({ captured: [id], signal }) {
    const heading = h('h1', { tabindex: -1 }, 'Edit webhook');

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {},
                h('a', { class: 'back', href: webhookHash(id) },
                    'Back to the webhook'),
                heading)),
        loading(async () => {
            const [webhook, triggers] = await Promise.all(
                [getWebhook(id, signal), listTriggers(signal)]);

            return webhook.source === 'nginx.conf' ? readOnly()
                : editor(webhook, triggers);
        }, signal));

    return { title: 'Edit webhook', heading, node };
}


function readOnly() {
    return h('p', { class: 'card' },
        'This webhook is written in nginx.conf: change it there.');
}


function editor(webhook, triggers) {
    const conflict = h('div', { class: 'live', role: 'alert' });
    const form = webhookForm({
        triggers,
        submit: 'Save changes',
        cancelHash: webhookHash(webhook.id),
        save,
    });

    // What the reader's changes are changes of.
    let base = webhook;
    let anew = false;

    async function save(values) {
        if (anew) {
            await createAnew(values);
            return;
        }

        const changes = pick(values,
            NAMES.filter(name => values[name] !== base[name]));

        try {
            if (Object.keys(changes).length) {
                base = await changeWebhook(base.id, base.revision, changes);
            }
        } catch (error) {
            await (error.status === 412 ? merge(values)
                : showRefusal(error));
            return;
        }

        sayDone(`${sayMethodAndEndpoint(base)} is saved.`, { keep: true });
        go(webhookHash(base.id));
    }

    // Fields that the reader has left alone become theirs. Where both have
    // changed one, the reader's stays and theirs is shown.

    async function merge(mine) {
        let now;

        try {
            now = await getWebhook(base.id);
        } catch (error) {
            showRefusal(error);
            return;
        }

        const theirs = NAMES.filter(name => now[name] !== base[name]);
        const both = theirs.filter(name => mine[name] !== base[name]
            && mine[name] !== now[name]);

        form.set({ ...mine, ...pick(now,
            theirs.filter(name => !both.includes(name))) });
        form.showTheirs(Object.fromEntries(theirs.map(name => [name,
            both.includes(name)
                ? `Saved by somebody else: ${say(name, now[name])}.`
                    + ' Yours is kept here.'
                : 'Changed by somebody else meanwhile.'])));
        base = now;
        showConflict(theirs.length);
    }

    function showConflict(n) {
        const take = h('button', {
            type: 'button', class: 'button little', on: { click: takeTheirs },
        }, 'Discard mine');

        setChildren(conflict, h('div', { class: 'note' }, icon('warning'),
            h('div', {},
                h('p', {}, h('b', {}, 'Somebody else has changed this webhook'
                    + ' since you opened it. Yours is not saved yet.')),
                h('p', {}, n
                    ? `${count(n, 'field')} of theirs ${n === 1 ? 'is'
                        : 'are'} marked below. Nothing that you typed is`
                        + ' lost: look through it and save again.'
                    : 'None of these fields is different now. Save again.')),
            take));
        conflict.scrollIntoView({ block: 'center' });
        take.focus({ preventScroll: true });
    }

    function showRefusal(error) {
        if (error.code === NO_WEBHOOK) {
            showDeleted();
        } else {
            form.showFaults(error);
        }
    }

    // What was typed is good for a webhook of its own.

    function showDeleted() {
        const create = h('button', {
            type: 'button', class: 'button little', on: { click: submitAnew },
        }, 'Create it anew');

        setChildren(conflict, h('div', { class: 'note' }, icon('warning'),
            h('div', {},
                h('p', {}, h('b', {}, 'Somebody else has deleted this webhook'
                    + ' since you opened it. What you typed is still here.')),
                h('p', {}, 'You can make a new webhook of it. It gets an'
                    + ' authentication token of its own, which the sender has'
                    + ' to be given.')),
            create,
            h('a', { class: 'button little', href: listHash() },
                'All webhooks')));
        conflict.scrollIntoView({ block: 'center' });
        create.focus({ preventScroll: true });
    }

    // "Save changes" never makes one by itself.

    function submitAnew() {
        anew = true;
        form.node.requestSubmit();
        anew = false;
    }

    async function createAnew(values) {
        let made;

        try {
            made = await createWebhook({ ...values, active: base.active });
        } catch (error) {
            form.showFaults(error);
            return;
        }

        sayDone(`${sayMethodAndEndpoint(made)} is created anew. Give the`
            + ' sender its authentication token.', { keep: true });
        goInstead(webhookHash(made.id));
    }

    function takeTheirs() {
        form.set(base);
        form.showTheirs({});
        setChildren(conflict);
        sayDone('Your changes are discarded. The form shows the webhook as'
            + ' it is saved.');
        form.focus();
    }

    function say(name, value) {
        return name !== 'trigger' ? sayValue(name, value)
            : triggers.triggers.find(one => one.name === value)?.title
                ?? value;
    }

    form.set(webhook);

    return h('div', { class: 'stack' }, conflict, form.node);
}


function pick(object, names) {
    return Object.fromEntries(names.map(name => [name, object[name]]));
}
