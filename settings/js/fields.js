// Form fields: a label, a hint, the control, and what is wrong with it, all of
// which screen readers find by the control.
//
// Each maker returns a field:
//   { node, get(), set(value), focus(), fault(text or null),
//     theirs(text or null) }
// `theirs` says what somebody else has saved in the meantime.

import { h, setAttribute, setText, uniqueId } from './dom.js';


// `more`: a node that stands below the hint.

export function textField({ label, hint, more, change, ...attributes }) {
    const id = uniqueId('field');
    const input = h('input', {
        type: 'text',
        id,
        autocomplete: 'off',
        autocapitalize: 'none',
        spellcheck: 'false',
        ...attributes,
        on: { input: () => change?.() },
    });

    return labelled(id, label, [hint, more], input, {
        get: () => input.value.trim(),
        set: value => { input.value = value ?? ''; },
    });
}


// `choices`: { value: text }.

export function selectField({ label, hint, choices, prompt, change }) {
    const id = uniqueId('field');
    const select = h('select', { id, on: { change: () => change?.() } },
        prompt && h('option', { value: '' }, prompt),
        Object.entries(choices).map(
            ([value, text]) => h('option', { value }, text)));

    return labelled(id, label, [hint], select, {
        get: () => select.value,
        set: value => { select.value = String(value); },
    });
}


// `choices`: { value: [text, hint] }.

export function radioField({ label, choices, change }) {
    const name = uniqueId('choice');
    const { fault, theirs, notes, descriptions } = noteParts();
    const radios = Object.entries(choices).map(([value, [text, hint]]) => {
        const id = uniqueId('field');
        const hintId = uniqueId('hint');

        return {
            value,
            input: h('input', {
                type: 'radio',
                id,
                name,
                value,
                'aria-describedby': hint ? hintId : null,
                on: { change: () => change?.() },
            }),
            id,
            text,
            hint: hint && h('span', { class: 'hint', id: hintId }, hint),
        };
    });

    const node = h('fieldset', {
        class: 'field', 'aria-describedby': descriptions,
    },
    h('legend', {}, label),
    h('div', { class: 'choices' }, radios.map(one => h('div', {
        class: 'choice',
    }, one.input, h('label', { for: one.id }, one.text), one.hint))),
    notes);

    const checked = () => radios.find(({ input }) => input.checked);

    return {
        node,
        get: () => checked()?.value ?? '',
        set: value => {
            for (const one of radios) {
                one.input.checked = one.value === String(value);
            }
        },
        focus: () => (checked() ?? radios[0]).input.focus(),
        fault: text => setNote(fault, text),
        theirs: text => setNote(theirs, text),
    };
}


function labelled(id, label, [hint, more], control, { get, set }) {
    const hintId = uniqueId('hint');
    const { fault, theirs, notes, descriptions } = noteParts();

    setAttribute(control, 'aria-describedby',
        hint ? `${hintId} ${descriptions}` : descriptions);

    return {
        node: h('div', { class: 'field' },
            h('label', { for: id }, label),
            control,
            hint && h('p', { class: 'hint', id: hintId }, hint),
            more, notes),
        get,
        set,
        focus: () => control.focus(),
        fault: text => {
            setNote(fault, text);
            setAttribute(control, 'aria-invalid', text ? 'true' : null);
        },
        theirs: text => setNote(theirs, text),
    };
}


function noteParts() {
    const fault = h('p', {
        class: 'fault', id: uniqueId('fault'), hidden: true,
    });
    const theirs = h('p', {
        class: 'theirs', id: uniqueId('theirs'), hidden: true,
    });

    return {
        fault,
        theirs,
        notes: [fault, theirs],
        descriptions: `${fault.id} ${theirs.id}`,
    };
}


function setNote(place, text) {
    setText(place, text ?? '');
    place.hidden = !text;
}
