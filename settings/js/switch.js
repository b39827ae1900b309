// An on/off switch.

import { h, setAttribute, setText } from './dom.js';


// `change(on)` is async; until it is done the switch takes no other click.
// Returns { node, set(on) }.

export function onOffSwitch(label, change) {
    const state = h('span', { class: 'switch-state', 'aria-hidden': 'true' });
    const node = h('button', {
        type: 'button',
        class: 'switch',
        role: 'switch',
        'aria-checked': 'false',
        on: { click },
    },
    h('span', { class: 'switch-track', 'aria-hidden': 'true' }),
    state,
    h('span', { class: 'unseen' }, label));

    let busy = false;
    let on = false;

    function set(value) {
        on = value;
        setAttribute(node, 'aria-checked', on ? 'true' : 'false');
        setText(state, on ? 'On' : 'Off');
    }

    async function click() {
        if (busy) {
            return;
        }

        busy = true;
        setAttribute(node, 'aria-disabled', 'true');

        try {
            await change(!on);
        } finally {
            busy = false;
            setAttribute(node, 'aria-disabled', null);
        }
    }

    return { node, set };
}
