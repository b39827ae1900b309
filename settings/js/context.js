// A trigger's required context, in its order: as the list that is copied, and
// one parameter a line.

import { copyButton } from './clipboard.js';
import { h, icon, setChildren } from './dom.js';
import { sayType } from './example.js';


// For the form: what the chosen trigger needs.
// Returns { node, show(trigger or undefined, { method, order }) }.

export function contextPanel() {
    const node = h('section', {
        class: 'card stack', 'aria-label': 'Required context',
    });

    function show(trigger, request) {
        if (!trigger) {
            setChildren(node, h('h2', {}, 'Required context'),
                h('p', { class: 'muted' }, 'Choose a trigger: what a request'
                    + ' must hold then stands here.'));
            return;
        }

        setChildren(node,
            h('h2', {}, 'Required context'),
            trigger.description && h('p', { class: 'muted' },
                trigger.description),
            !trigger.workflows && noWorkflow(trigger.title || trigger.name),
            contextList(trigger, request));
    }

    return { node, show };
}


// `trigger`: { context, parameters (where the server gives them) }.

export function contextList({ context, parameters = [] },
    { method, order }) {
    const names = context.join(',');
    const type = name => sayType(parameters.find(one => one.name === name));

    return h('div', { class: 'stack' },
        h('p', {}, method === 'GET'
            ? 'The query of the request has all of these,'
            : 'The request is a JSON object with all of these,',
        order === 'any' ? ' in any order.' : ' in this order.'),
        h('div', { class: 'copyable boxed' },
            // Lines break after commas where they can.
            h('code', { class: 'names' }, context.map((name, i) =>
                [i > 0 && [',', h('wbr')], name])),
            copyButton(() => names, 'required context')),
        h('ol', { class: 'context' }, context.map(name => h('li', {},
            h('code', {}, name),
            type(name) && h('span', { class: 'types' }, type(name))))));
}


export function noWorkflow(title) {
    return h('div', { class: 'note' }, icon('warning'),
        h('div', {},
            h('p', {}, h('b', {}, 'No active workflow is attached to ',
                title, '.')),
            h('p', {}, 'Requests are accepted, and their jobs end without'
                + ' having done anything. ',
            h('a', { href: '#/workflows' }, 'Workflows that are loaded'))));
}
