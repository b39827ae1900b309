// A question before a webhook is changed. What is done is done to the webhook
// that the reader saw when it was asked: the view behind the dialog goes on
// being read again, and must not slip another one under the answer.

import { getWebhook } from './api.js';
import { confirmDialog } from './dialog.js';
import { h, icon } from './dom.js';
import { timeNode } from './time.js';
import { FIELDS, sayValue } from './words.js';


// `action` is async, gets the webhook and may return it as it is then. If
// somebody else was faster, nothing is done; the dialog says what is there now
// and asks again, with `again` on the button. `consequence`, where given, gets
// that webhook and returns { text, over }: what going on would mean, and
// whether there is nothing left to do. `failed` takes what else went wrong.

export function changeDialog({ current, change, titleOf }, { action, again,
    consequence, failed = show => show, ...dialog }) {
    let seen = current();
    let unsure = false;

    confirmDialog({
        ...dialog,
        action: attempt,
    });

    function attempt({ showFailure, ask }) {
        const sayError = failed(showFailure);

        return change(action, error => {
            if (error.status === 412) {
                return askAgain(ask).catch(showFailure);
            }

            // It may have been done: what changed may be this one's work.
            unsure ||= error.status === 0 || error.status === 504;

            return sayError(error);
        }, seen);
    }

    // If it cannot be read, what the reader has seen is still that of before.

    async function askAgain(ask) {
        const before = seen;
        const now = await getWebhook(before.id);
        const { text, over = false } = consequence?.(now) ?? {};

        seen = now;
        ask(conflictNode(sayWhoChanged(unsure),
            sayChanges(before, now, titleOf), text), { again, over });
        unsure = false;
    }
}


function sayWhoChanged(unsure) {
    return unsure
        ? 'The attempt before was carried out after all, or somebody else has'
            + ' changed this webhook meanwhile. This time nothing was done.'
        : 'Somebody else has changed this webhook meanwhile, so nothing was'
            + ' done.';
}


function conflictNode(title, changes, text) {
    return h('div', { class: 'note' }, icon('warning'),
        h('div', {},
            h('p', {}, h('b', {}, title)),
            h('ul', { class: 'changes' },
                changes.map(change => h('li', {}, change))),
            text && h('p', {}, text)));
}


// What is another one now, in the reader's words: a list of lists of nodes.

function sayChanges(before, now, titleOf) {
    const changes = [
        ...sayTokens(before.tokens ?? [], now.tokens ?? []),
        ...Object.keys(FIELDS).filter(name => before[name] !== now[name])
            .map(name => [`${FIELDS[name]}: `, name === 'trigger'
                ? titleOf(now.trigger) : sayValue(name, now[name])]),
    ];

    return changes.length ? changes
        : [['Nothing that is shown here is different now.']];
}


function sayTokens(before, now) {
    const old = new Map(before.map(token => [token.id, token]));
    const there = new Set(now.map(({ id }) => id));

    return [
        ...now.filter(({ id }) => !old.has(id)).map(({ id, created_at }) =>
            ['There is a new token, ', h('code', {}, id), ', made ',
                timeNode(created_at), '.']),
        ...now.filter(({ id, expires_at }) => old.has(id)
            && old.get(id).expires_at !== expires_at)
            .map(({ id, expires_at: end }) => ['The token ',
                h('code', {}, id), ...end
                    ? [' now ends ', timeNode(end), '.']
                    : [' now has no end.']]),
        ...before.filter(({ id }) => !there.has(id)).map(({ id }) =>
            ['The token ', h('code', {}, id), ' is good no longer.']),
    ];
}
