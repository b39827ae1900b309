// Copy buttons.

import { h, setText } from './dom.js';
import { announce, sayFailed } from './messages.js';

const THANKS = 2000; // ms for which the button says that it has copied


// `text` is a function that returns the text, or a promise of it: what is not
// here yet is fetched when the button is used.

export function copyButton(text, what) {
    const button = h('button', {
        type: 'button',
        class: 'button little',
        on: { click },
    }, 'Copy', h('span', { class: 'unseen' }, ` ${what}`));
    const label = button.firstChild;

    let timer;

    async function click() {
        try {
            await copy(text);
        } catch (error) {
            sayFailed(`The ${what} was not copied: ${error.message}`);
            return;
        }

        announce(`Copied: ${what}`);
        setText(label, 'Copied');
        clearTimeout(timer);
        timer = setTimeout(() => {
            setText(label, 'Copy');
            announce('');
        }, THANKS);
    }

    return button;
}


// Browsers let a page write to the clipboard only while they handle a click,
// and some forget the click while it waits for an answer. So the promise is
// handed over, where that can be.

async function copy(text) {
    const promise = Promise.resolve().then(text);

    if (navigator.clipboard && window.ClipboardItem) {
        const blob = promise.then(
            value => new Blob([value], { type: 'text/plain' }));

        try {
            await navigator.clipboard.write(
                [new ClipboardItem({ 'text/plain': blob })]);
            return;
        } catch {
            // The text itself could not be had: say that, not what the
            // clipboard says of it. Otherwise try the other way.
            await promise;
        }
    }

    copyBySelection(await promise);
}


// Without TLS, but for localhost, there is no navigator.clipboard.

function copyBySelection(text) {
    const focused = document.activeElement;
    const area = h('textarea', { class: 'unseen', readonly: true });

    area.value = text;
    document.body.append(area);
    area.select();

    const copied = document.execCommand('copy');

    area.remove();
    focused?.focus();

    if (!copied) {
        throw new Error('the browser does not allow it. Select it and copy it'
            + ' by hand.');
    }
}
