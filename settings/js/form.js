// The form that a webhook is made and changed with. What is wrong with its
// values only the server says.

import { contextPanel } from './context.js';
import { h, icon, setAttribute, setChildren, setText } from './dom.js';
import { DEFAULTS, faultsOf, getFields, setFields, webhookFields }
    from './form-fields.js';
import { announce } from './messages.js';
import { count } from './words.js';

const OPTIONS = ['order', 'unknown', 'status', 'idempotency', 'window'];


// `triggers` is the API's answer, `submit` what the button says, `save` an
// async function that gets the values. Returns
//   { node, set(values), showFaults(error), showTheirs(texts), focus() }
// where `texts` holds, by the field's name, what somebody else has saved.

export function webhookForm({ triggers, submit, cancelHash, save }) {
    const list = triggers.triggers;
    const panel = contextPanel();
    const address = h('p', { class: 'hint' });
    const fields = webhookFields(list, address, {
        method: () => showContext({ aloud: false }),
        endpoint: showAddress,
        trigger: () => showContext({ aloud: true }),
        order: () => showContext({ aloud: false }),
    });
    const faults = h('div', { class: 'live', role: 'alert' });
    const options = h('details', { class: 'card' },
        h('summary', {}, 'Options'),
        h('div', { class: 'options' },
            OPTIONS.map(name => fields[name].node)));
    const button = h('button', { type: 'submit', class: 'button primary' },
        submit);

    let busy = false;

    const node = h('form', { novalidate: true, on: { submit: onSubmit } },
        h('div', { class: 'form' },
            h('div', { class: 'card stack' },
                faults,
                h('div', { class: 'form-row' },
                    fields.method.node, fields.endpoint.node),
                fields.trigger.node),
            panel.node,
            h('div', { class: 'stack' },
                options,
                h('div', { class: 'buttons' }, button,
                    h('a', { class: 'button', href: cancelHash },
                        'Cancel')))));

    function showAddress() {
        const endpoint = fields.endpoint.get();
        const prefix = triggers.webhooks_url;

        setText(address, endpoint && prefix
            ? `Address: ${prefix}${endpoint}` : '');
    }

    function showContext({ aloud }) {
        const trigger = list.find(({ name }) => name === fields.trigger.get());

        panel.show(trigger, {
            method: fields.method.get(), order: fields.order.get(),
        });

        if (aloud && trigger) {
            announce(`${count(trigger.context.length, 'required parameter')}:`
                + ` ${trigger.context.join(', ')}.`
                + (trigger.workflows ? ''
                    : ' No active workflow is attached to this trigger.'));
        }
    }

    function set(given) {
        const values = { ...DEFAULTS, ...given };

        setFields(fields, values);
        showAddress();
        showContext({ aloud: false });

        options.open = OPTIONS.some(name => Object.hasOwn(DEFAULTS, name)
            && values[name] !== DEFAULTS[name]);
    }

    async function onSubmit(event) {
        event.preventDefault();

        if (busy) {
            return;
        }

        busy = true;
        setAttribute(button, 'aria-disabled', 'true');
        clearFaults();

        try {
            await save(getFields(fields));
        } finally {
            busy = false;
            setAttribute(button, 'aria-disabled', null);
        }
    }

    function clearFaults() {
        setChildren(faults);

        for (const field of Object.values(fields)) {
            field.fault(null);
        }
    }

    // Each fault at its field; what belongs to none stands above them all.

    function showFaults(error) {
        const found = faultsOf(error, fields);
        const rest = found.filter(({ field }) => !field);

        for (const { field, detail } of found) {
            field?.fault(detail);
        }

        if (rest.length) {
            setChildren(faults, h('div', { class: 'note bad' }, icon('stop'),
                h('div', {}, rest.map(({ detail }) => h('p', {}, detail)))));
            faults.scrollIntoView({ block: 'nearest' });
        }

        const names = Object.keys(fields).filter(
            name => found.some(({ field }) => field === fields[name]));

        openOptionsFor(names);

        if (names.length) {
            fields[names[0]].focus();
        }
    }

    function showTheirs(texts) {
        for (const [name, field] of Object.entries(fields)) {
            field.theirs(texts[name] ?? null);
        }

        openOptionsFor(Object.keys(texts));
    }

    function openOptionsFor(names) {
        if (names.some(name => OPTIONS.includes(name))) {
            options.open = true;
        }
    }

    set({});

    return {
        node,
        set,
        showFaults,
        showTheirs,
        focus: () => fields.endpoint.focus(),
    };
}
