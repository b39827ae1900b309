// A webhook's tokens: the newest, those that end soon, and their rotation.

import { getWebhook, revokeToken, rotateToken } from './api.js';
import { changeDialog } from './change-dialog.js';
import { h, keyedList, setChildren, setText } from './dom.js';
import { radioField, textField } from './fields.js';
import { sayDone } from './messages.js';
import { sayRelative, sayWhole, setTime, timeNode } from './time.js';
import { count, sayDetail } from './words.js';

const OVERLAPS = {
    '24h': ['For 24 hours', 'Time for the sender to change over.'],
    '1h': ['For 1 hour'],
    '7d': ['For 7 days'],
    own: ['For another time'],
    '0s': ['Not at all', 'If it has leaked: from now on only the new one.'],
};

// It is known no better: each nginx keeps what it has seen for itself.
const NOT_USED = 'before this nginx was started, or never';


export function tokensCard(token, context) {
    const list = h('ul', { class: 'tokens' });
    const hint = h('p', { class: 'hint' }, 'Uses are those that the nginx that'
        + ' answers here has seen since it was started. Another nginx may have'
        + ' seen the token used.');
    const rotate = h('button', {
        type: 'button', class: 'button little', on: { click: openRotation },
    }, 'Rotate…');

    const node = h('section', { class: 'card', 'aria-labelledby': 'tokens' },
        h('div', { class: 'card-head' },
            h('h2', { id: 'tokens' }, 'Tokens'), rotate),
        list, hint);

    const setTokens = keyedList(list, ({ id }) => id,
        () => tokenRow(revoke), () => rotate.focus());

    function update(webhook) {
        const tokens = webhook.tokens ?? [];
        const used = usedLast(tokens);

        token.update(webhook);
        node.hidden = !token.readable;
        setTokens(tokens.map((one, i) => ({
            ...one,
            newest: i === 0,
            alone: tokens.length === 1,
            usedLast: one === used,
        })));
    }

    function openRotation() {
        const overlap = overlapFields();
        let made, unread;

        changeDialog(context, {
            title: 'Rotate the authentication token',
            content: [
                h('p', {}, 'A new token is made, and works at once.'),
                overlap.nodes,
            ],
            confirm: 'Rotate token',
            again: 'Rotate all the same',
            consequence: () => ({
                text: 'If you go on, one more token is made, and all that are'
                    + ' there now end as you have chosen above.',
            }),
            action: async webhook => {
                const { id, revision } = webhook;

                made = await rotateToken(id, revision, overlap.get());
                token.learn(made);

                try {
                    return await getWebhook(id);
                } catch (error) {
                    unread = error;

                    return withToken(webhook, made);
                }
            },
            failed: overlap.orElse,
            done: () => sayMade(made, unread),
        });
    }

    // It is made, whatever becomes of the view: who took it for not made would
    // make another one.

    function sayMade({ previous_expires_at: end }, unread) {
        const text = `There is a new authentication token. ${sayEnd(end)}`;

        if (!unread) {
            sayDone(text);
            return;
        }

        token.show(true);
        sayDone(`${text} It is shown below; the rest of this view could not be`
            + ` read again: ${unread.message}`);
    }

    function revoke({ id, last_used_at: used }) {
        changeDialog(context, {
            title: 'Revoke this token?',
            content: [
                h('p', {}, 'Requests with ', h('code', {}, id),
                    ' are refused from now on. ',
                    sayRest(context.current(), id), ' This cannot be undone.'),
                h('p', {}, 'It was last used ', timeNode(used, NOT_USED),
                    '. Where there is more than one nginx, ask the others too:'
                    + ' each knows its own requests alone.'),
            ],
            confirm: 'Revoke token',
            danger: true,
            again: 'Revoke all the same',
            consequence: now => now.tokens.some(one => one.id === id)
                ? { text: `If you go on, that one ends now. ${
                    sayRest(now, id)}` }
                : { text: 'There is nothing left to revoke.', over: true },
            action: webhook =>
                revokeToken(webhook.id, webhook.revision, id),
            done: () => sayDone('The token is revoked.'),
        });
    }

    return { node, update };
}


// The text field is there only for who wants another time than the usual ones,
// and takes what the server says of it: all else is for somebody else to say.

function overlapFields() {
    const own = textField({
        label: 'How long',
        hint: 'Such as 30m, 12h or 14d; 90d at most.',
    });
    const choice = radioField({
        label: 'How long does the present token still work?',
        choices: OVERLAPS,
        change: () => showOwn(),
    });

    function showOwn() {
        own.node.hidden = choice.get() !== 'own';
    }

    function orElse(failed) {
        own.fault(null);

        return error => {
            if (own.node.hidden || error.status !== 422) {
                failed(error);
                return;
            }

            own.fault(sayDetail(error.faults[0]?.detail ?? error.message));
            own.focus();
        };
    }

    choice.set('24h');
    showOwn();

    return {
        nodes: [choice.node, own.node],
        get: () => choice.get() === 'own' ? own.get() : choice.get(),
        orElse,
    };
}


// A webhook as it is after a rotation, as far as that has told.

function withToken(webhook, { id, created_at, previous_expires_at: end }) {
    const earlier = time =>
        time && Date.parse(time) < Date.parse(end) ? time : end;

    return {
        ...webhook,
        tokens: [
            { id, created_at, expires_at: null, last_used_at: null },
            ...end ? webhook.tokens.map(one =>
                ({ ...one, expires_at: earlier(one.expires_at) })) : [],
        ],
    };
}


// What a revocation leaves.

function sayRest({ tokens }, id) {
    const rest = tokens.filter(token => token.id !== id).length;

    return `${count(rest, 'other token')} ${rest === 1 ? 'goes' : 'go'}`
        + ' on working.';
}


function sayEnd(time) {
    return time && Date.parse(time) > Date.now()
        ? `The one before it works until ${sayWhole(time)}.`
        : 'The one before it works no longer.';
}


// Whether the sender has changed over: the one that came with the last request.

function usedLast(tokens) {
    const time = ({ last_used_at: text }) => Date.parse(text ?? '') || 0;
    const [first] = tokens.toSorted((one, two) => time(two) - time(one));

    return first && time(first) ? first : null;
}


function tokenRow(revoke) {
    const id = h('code');
    const newest = h('span', { class: 'badge' }, 'Newest');
    const last = h('span', { class: 'badge good' }, 'Used last');
    const created = h('span');
    const used = h('span');
    const usedLine = h('div', { class: 'second' }, 'Last used ', used);
    const ends = h('div', { class: 'second' });
    const button = h('button', {
        type: 'button',
        class: 'button little danger',
        on: { click: () => revoke(current) },
    }, 'Revoke…');

    let current;

    const node = h('li', {},
        h('div', {},
            h('div', {}, id, ' ', newest, ' ', last),
            h('div', { class: 'second' }, 'Made ', created),
            usedLine,
            ends),
        button);

    function update(token) {
        current = token;
        setText(id, token.id);
        newest.hidden = !token.newest || token.alone;
        last.hidden = !token.usedLast || token.alone;
        setTime(created, token.created_at);
        setTime(used, token.last_used_at, NOT_USED);
        usedLine.hidden = token.last_used_at === undefined;
        ends.hidden = !token.expires_at;
        button.hidden = !token.expires_at;
        setEnd(token.expires_at);
    }

    function setEnd(time) {
        if (time && ends.dataset.time !== time) {
            ends.dataset.time = time;
            setChildren(ends, 'Ends ',
                h('time', { datetime: time, 'data-relative': true },
                    sayRelative(time)),
                `, ${sayWhole(time)}`);
        }
    }

    return { node, update };
}
