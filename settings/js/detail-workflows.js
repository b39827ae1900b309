// The workflows that this webhook's jobs start.

import { noWorkflow } from './context.js';
import { h, keyedList, setAttribute, setChildren, setText } from './dom.js';
import { count } from './words.js';


export function workflowsCard(triggers) {
    const list = h('ul', { class: 'attached' });
    const warning = h('div');

    const node = h('section', {
        class: 'card', 'aria-labelledby': 'workflows',
    },
    h('div', { class: 'card-head' },
        h('h2', { id: 'workflows' }, 'Workflows attached')),
    warning, list);

    const setRows = keyedList(list, ({ id }) => id, row);

    let warned = null;

    function update(webhook, workflows) {
        const attached = workflows.filter(
            ({ trigger }) => trigger === webhook.trigger);
        const idle = !attached.some(({ active }) => active);

        setRows(attached);
        list.hidden = !attached.length;
        warn(idle ? webhook.trigger : null);
    }

    function warn(trigger) {
        if (trigger === warned) {
            return;
        }

        const title = triggers.find(({ name }) => name === trigger)?.title;

        warned = trigger;
        setChildren(warning, trigger && noWorkflow(title || trigger));
    }

    return { node, update };
}


function row() {
    const name = h('span');
    const state = h('span', { class: 'badge' });
    const where = h('div', { class: 'second' });

    function update(workflow) {
        setText(name, workflow.name || workflow.id);
        setText(state, workflow.active ? 'Active' : 'Not active');
        setAttribute(state, 'class',
            workflow.active ? 'badge good' : 'badge');
        setText(where, `Loaded by ${count(workflow.workers, 'worker')}`);
    }

    return { node: h('li', {}, name, ' ', state, where), update };
}
