// What an action came to, said in sight and to screen readers. Nothing goes
// away by itself: a message stays until the next one, or the next view.

import { h, setChildren, setText } from './dom.js';

const done = document.getElementById('done');
const failed = document.getElementById('failed');
const announcer = document.getElementById('announcer');

let kept = false;


// `keep`: it survives the change of view that comes next.

export function sayDone(text, { keep = false } = {}) {
    clearMessages();
    setChildren(done, message(text));
    kept = keep;
}


export function sayFailed(text) {
    clearMessages();
    setChildren(failed, message(text));
}


export function clearMessages() {
    setChildren(done);
    setChildren(failed);
}


export function clearMessagesOfLastView() {
    if (!kept) {
        clearMessages();
    }

    kept = false;
}


// For screen readers alone, where the eye sees it elsewhere.

export function announce(text) {
    setText(announcer, text);
}


function message(text) {
    return h('div', { class: 'message' },
        h('p', {}, text),
        h('button', {
            type: 'button',
            class: 'button little plain',
            on: { click: dismiss },
        }, 'Dismiss'));
}


// The button goes with its message, and the focus would be nowhere.

function dismiss() {
    clearMessages();
    document.querySelector('h1')?.focus();
}
