// The fields of a webhook, and their values in the API's own words.

import { radioField, selectField, textField } from './fields.js';
import { METHODS, ORDERS, STATUSES, UNKNOWNS, sayDetail, sayIdempotency }
    from './words.js';

export const DEFAULTS = {
    method: 'POST',
    endpoint: '',
    trigger: '',
    order: 'strict',
    unknown: 'reject',
    status: 202,
    idempotency: null,
};

// The server's words are about all that the API takes, not about this field.
const WINDOW_FAULT = 'Expected a time from 1s to 90d, such as 24h.';

// `own`: the text field `window` says for how long.
const WINDOWS = {
    '': sayIdempotency(null),
    off: sayIdempotency('off'),
    own: 'For a time of its own',
};


// `address` is a node that stands below the endpoint, `changed` an object of
// listeners: method, endpoint, trigger, order.

export function webhookFields(triggers, address, changed) {
    const fields = {
        method: selectField({
            label: 'Method',
            choices: Object.fromEntries(METHODS.map(one => [one, one])),
            change: changed.method,
        }),
        endpoint: textField({
            label: 'Endpoint',
            hint: 'Letters, digits and - . _ ~ in parts joined by /, such as'
                + ' service-now/provision-entitlement.',
            more: address,
            change: changed.endpoint,
        }),
        trigger: selectField({
            label: 'Trigger',
            prompt: 'Choose a trigger',
            choices: Object.fromEntries(triggers.map(
                ({ name, title }) => [name, title || name])),
            change: changed.trigger,
        }),
        order: radioField({
            label: 'Order of the parameters',
            choices: ORDERS,
            change: changed.order,
        }),
        unknown: radioField({
            label: 'Parameters that are not in the required context',
            choices: UNKNOWNS,
        }),
        status: selectField({
            label: 'Status of an accepted request',
            hint: '202, unless the sender takes only another one for success.',
            choices: STATUSES,
        }),
        idempotency: selectField({
            label: 'Remember idempotency keys',
            hint: 'Within that time a request with the same key makes no'
                + ' second job.',
            choices: WINDOWS,
            change: () => showWindow(fields),
        }),
        window: textField({
            label: 'For how long',
            hint: 'Such as 15m, 24h or 7d.',
        }),
    };

    return fields;
}


export function setFields(fields, values) {
    const { idempotency } = values;
    const own = idempotency !== null && idempotency !== 'off';

    for (const name of Object.keys(DEFAULTS)) {
        fields[name].set(values[name]);
    }

    fields.idempotency.set(own ? 'own' : idempotency ?? '');
    fields.window.set(own ? idempotency : '');
    showWindow(fields);
}


export function getFields(fields) {
    const chosen = fields.idempotency.get();

    return {
        method: fields.method.get(),
        endpoint: fields.endpoint.get(),
        trigger: fields.trigger.get(),
        order: fields.order.get(),
        unknown: fields.unknown.get(),
        status: Number(fields.status.get()),
        idempotency: chosen === 'own' ? fields.window.get() : chosen || null,
    };
}


// What is wrong, and with which field: [{ field or undefined, detail }].

export function faultsOf(error, fields) {
    if (error.code === 'endpoint_taken') {
        return [{ field: fields.endpoint, detail: error.message }];
    }
    if (!error.faults?.length) {
        return [{ detail: error.message }];
    }

    return error.faults.map(({ pointer, detail }) => {
        const field = fieldOf(String(pointer ?? ''), fields);

        return {
            field,
            detail: field === fields.window ? WINDOW_FAULT
                : sayDetail(detail ?? error.message),
        };
    });
}


function fieldOf(pointer, fields) {
    const name = pointer.split('/')[1];

    if (name === 'idempotency' && fields.idempotency.get() === 'own') {
        return fields.window;
    }

    return Object.hasOwn(DEFAULTS, name) ? fields[name] : undefined;
}


function showWindow(fields) {
    fields.window.node.hidden = fields.idempotency.get() !== 'own';
}
