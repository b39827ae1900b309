// A row of the list: one webhook.

import { changeWebhook } from './api.js';
import { h, icon, setAttribute, setChildren, setText } from './dom.js';
import { sayDone, sayFailed } from './messages.js';
import { webhookHash } from './router.js';
import { onOffSwitch } from './switch.js';
import { setTime } from './time.js';
import { count, sayLive, sayMethodAndEndpoint, sayOutcome } from './words.js';

// No more is known: each nginx keeps what it has seen for itself.
const NONE = 'None on this nginx';


// `titleOf` gives the title of a trigger, `refresh` has the list read again.
// Returns { node, update(webhook) }.

export function listRow(webhook, titleOf, refresh) {
    const method = h('span', { class: 'method' });
    const link = h('a', { class: 'endpoint' });
    const trigger = h('span');
    const attached = h('span', { class: 'second' });
    const accepted = h('span');
    const refused = h('span');
    const refusedHow = h('span', { class: 'second clamped' });
    const refusedWhen = h('span', { class: 'second' });
    const live = h('span', { class: 'badge' });
    const liveWhy = h('span', { class: 'second why' });
    const active = activePart(webhook, refresh);

    const node = h('tr', { role: 'row' },
        cell('Webhook', 'title', method, ' ', link,
            webhook.source === 'nginx.conf'
                && h('span', { class: 'second' },
                    'Written in nginx.conf, read-only')),
        cell('Trigger', '', trigger, attached),
        cell('Last accepted', '', accepted),
        cell('Last refused', '', refused, refusedHow, refusedWhen),
        cell('nginx workers', '', live, liveWhy),
        cell('Active', '', active.node));

    function update(now) {
        setText(method, now.method);
        setText(link, now.endpoint);
        setAttribute(link, 'href', webhookHash(now.id));
        setText(trigger, titleOf(now.trigger));
        setAttached(attached, now.workflows);
        setTime(accepted, now.last_accepted?.time, NONE);
        setRefused(now.last_refused);
        setLive(live, liveWhy, now.live);
        active.update(now);
    }

    function setRefused(last) {
        refusedHow.hidden = refusedWhen.hidden = !last;

        if (!last) {
            setTime(refused, null, NONE);
            return;
        }

        setText(refused, sayOutcome(last.code));
        setText(refusedHow, last.detail);
        setTime(refusedWhen, last.time);
    }

    return { node, update };
}


function cell(label, name, ...children) {
    return h('td', {
        role: 'cell', class: name || null, 'data-label': label,
    }, children);
}


function setAttached(place, workflows) {
    const text = workflows ? count(workflows, 'workflow')
        : 'No active workflow';

    if (place.textContent === text) {
        return;
    }

    setChildren(place, workflows ? text
        : h('span', { class: 'badge warn' }, icon('warning'), text));
}


// `why` says what keeps the others from it, where the server knows. With a
// reason it is never all well, whatever the numbers say.

export function setLive(place, why, live) {
    place.hidden = !live;
    why.hidden = !live?.reason;
    setText(why, live?.reason ?? '');

    if (live) {
        setText(place, sayLive(live));
        const good = live.of && live.workers >= live.of && !live.reason;

        setAttribute(place, 'class', good ? 'badge good' : 'badge warn');
    }
}


function activePart(webhook, refresh) {
    if (webhook.source === 'nginx.conf') {
        const node = h('span');

        return {
            node,
            update: ({ active }) => setText(node, active ? 'On' : 'Off'),
        };
    }

    let current = webhook;

    const { node, set } = onOffSwitch(
        `Active: ${sayMethodAndEndpoint(webhook)}`, change);

    async function change(on) {
        try {
            current = await changeWebhook(current.id, current.revision,
                { active: on });
            set(current.active);
            sayDone(`${sayMethodAndEndpoint(current)} is switched`
                + ` ${on ? 'on' : 'off'}.`);
        } catch (error) {
            sayFailed(error.status === 412
                ? `Somebody else has just changed`
                    + ` ${sayMethodAndEndpoint(current)}. The list now shows`
                    + ' it as it is: look, and switch it again if you still'
                    + ' want to.'
                : `${sayMethodAndEndpoint(current)} was not switched`
                    + ` ${on ? 'on' : 'off'}: ${error.message}`);
        }

        await refresh();
    }

    function update(now) {
        current = now;
        set(now.active);
    }

    return { node, update };
}
