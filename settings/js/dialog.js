// A question before something is done.

import { h, icon, setAttribute, setChildren, setText, uniqueId }
    from './dom.js';


// `action` is async and returns whether it was done: then the dialog closes and
// `done` is called. It gets
//   showFailure(error)
//   ask(node, { again, over })  things are otherwise than when it was asked:
//                               `node` says how, `again` is what the button
//                               says then, `over` that there is none
// The browser brings the focus back to what opened it, and keeps it inside
// meanwhile.

export function confirmDialog({ title, content, confirm, danger, action,
    done }) {
    const titleId = uniqueId('title');
    const failed = h('div', { class: 'live', role: 'alert' });
    const cancel = h('button', {
        type: 'button', class: 'button', on: { click: () => dialog.close() },
    }, 'Cancel');
    const yes = h('button', {
        type: 'submit', class: `button primary ${danger ? 'danger' : ''}`,
    }, confirm);

    const dialog = h('dialog', {
        'aria-labelledby': titleId, on: { close: () => dialog.remove() },
    },
    h('form', { novalidate: true, on: { submit } },
        h('h2', { id: titleId }, title),
        content, failed,
        h('div', { class: 'buttons' }, cancel, yes)));

    let busy = false;

    async function submit(event) {
        event.preventDefault();

        if (busy) {
            return;
        }

        busy = true;
        setAttribute(yes, 'aria-disabled', 'true');
        setChildren(failed);

        const isDone = await action({ showFailure, ask });

        busy = false;
        setAttribute(yes, 'aria-disabled', null);

        if (isDone) {
            dialog.close();
            done?.();
        }
    }

    function showFailure(error) {
        setChildren(failed, h('div', { class: 'note bad' }, icon('stop'),
            h('div', {}, h('p', {}, error.message))));
    }

    // Who goes on does so anew: the focus is on what stops.

    function ask(node, { again, over }) {
        setChildren(failed, node);
        setText(yes, again);
        yes.hidden = over;
        setText(cancel, over ? 'Close' : 'Stop');
        cancel.focus();
        failed.scrollIntoView({ block: 'nearest' });
    }

    document.body.append(dialog);
    dialog.showModal();

    // What cannot be undone is not one key away.
    (danger ? cancel : dialog.querySelector('input') ?? yes).focus();
}
