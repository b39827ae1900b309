// The head of the detail: which webhook it is, how it is, and what can be done
// with it.

import { changeWebhook, deleteWebhook } from './api.js';
import { changeDialog } from './change-dialog.js';
import { h, setAttribute, setChildren, setText } from './dom.js';
import { setLive } from './list-row.js';
import { sayDone } from './messages.js';
import { editHash, goInstead, listHash } from './router.js';
import { setTime } from './time.js';
import { sayMethodAndEndpoint } from './words.js';


export function detailHead(heading, context) {
    const { current, change } = context;
    const method = h('span', { class: 'method' });
    const endpoint = h('span', { class: 'endpoint' });
    const state = h('span', { class: 'badge' });
    const live = h('span', { class: 'badge' });
    const liveWhy = h('span', { class: 'why' });
    const changed = h('span');
    const readOnly = h('span', { hidden: true },
        'Written in nginx.conf: it is changed there');
    const onOff = h('button', {
        type: 'button', class: 'button', on: { click: switchOnOff },
    });
    const edit = h('a', { class: 'button' }, 'Edit');
    const buttons = h('div', { class: 'buttons' }, edit, onOff,
        h('button', {
            type: 'button', class: 'button danger', on: { click: remove },
        }, 'Delete…'));

    setChildren(heading, method, ' ', endpoint);

    const node = h('div', { class: 'view-head' },
        h('div', {},
            h('a', { class: 'back', href: listHash() }, 'All webhooks'),
            heading,
            h('div', { class: 'facts' }, state, live, liveWhy,
                h('span', {}, 'Changed ', changed), readOnly)),
        buttons);

    function update(webhook) {
        const own = webhook.source !== 'nginx.conf';

        setText(method, webhook.method);
        setText(endpoint, webhook.endpoint);
        setText(state, webhook.active ? 'On' : 'Off');
        setAttribute(state, 'class',
            webhook.active ? 'badge good' : 'badge warn');
        setLive(live, liveWhy, webhook.live);
        setTime(changed, webhook.updated_at);
        changed.parentElement.hidden = !own || !webhook.updated_at;
        readOnly.hidden = own;
        buttons.hidden = !own;
        setAttribute(edit, 'href', editHash(webhook.id));
        setText(onOff, webhook.active ? 'Disable' : 'Enable');
    }

    async function switchOnOff() {
        const on = !current().active;

        const done = await change(({ id, revision }) =>
            changeWebhook(id, revision, { active: on }));

        if (done) {
            sayDone(on ? 'The webhook is on.'
                : 'The webhook is off: requests with a good token are'
                    + ' answered 410.');
        }
    }

    function remove() {
        const what = sayMethodAndEndpoint(current());

        changeDialog(context, {
            title: 'Delete this webhook?',
            content: [
                h('p', {}, h('b', {}, what), ' stops answering on every nginx'
                    + ' worker, and its tokens become worthless. This cannot'
                    + ' be undone.'),
                h('p', {}, 'Jobs that it has already accepted go on.'),
            ],
            confirm: 'Delete webhook',
            again: 'Delete all the same',
            danger: true,
            action: ({ id, revision }) => deleteWebhook(id, revision),
            done: () => {
                sayDone(`${what} is deleted.`, { keep: true });
                goInstead(listHash());
            },
        });
    }

    return { node, update };
}
