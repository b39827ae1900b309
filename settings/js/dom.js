// Elements are made here and nowhere else. What they say goes in as text nodes
// and attributes, never as markup: no value, however it is written, can become
// an element.

const SVG = 'http://www.w3.org/2000/svg';

let ids = 0;


// h('button', { type: 'button', on: { click: save } }, 'Save')
//
// Attributes that are null, undefined or false are left out; true is an empty
// one. Children that are null, undefined or false are left out too.

export function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);

    for (const [name, value] of Object.entries(attributes)) {
        if (name === 'on') {
            for (const [event, listener] of Object.entries(value)) {
                node.addEventListener(event, listener);
            }
        } else {
            setAttribute(node, name, value);
        }
    }

    node.append(...present(children));

    return node;
}


// The head of a table whose columns are called so. Its roles are said, as the
// styles for a phone take the table's own away.

export function tableHead(columns) {
    return h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' },
        columns.map(name => h('th', { scope: 'col', role: 'columnheader' },
            name))));
}


export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) {
        node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, value === true ? '' : value);
    }
}


// Leaves the node alone if it says so already: a selection in it stays.

export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}


export function setChildren(node, ...children) {
    node.replaceChildren(...present(children));
}


function present(children) {
    return children.flat(Infinity).filter(
        child => child !== null && child !== undefined && child !== false);
}


// An id of its own, for labels and descriptions.

export function uniqueId(what) {
    ids += 1;
    return `${what}-${ids}`;
}


// Shapes with a meaning that is not said beside them do not exist here, so all
// of them are hidden from screen readers.

const SHAPES = {
    plus: ['M8 3v10M3 8h10'],
    warning: ['M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.7v.1'],
    stop: ['M8 1.8a6.2 6.2 0 1 0 .01 0M8 4.8v4M8 11v.1'],
    done: ['M2.5 8.5 6 12l7.5-8'],
};

export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');

    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    svg.setAttribute('fill', 'none');
    svg.setAttribute('stroke', 'currentColor');
    svg.setAttribute('stroke-width', '1.6');
    svg.setAttribute('stroke-linecap', 'round');
    svg.setAttribute('stroke-linejoin', 'round');

    for (const d of SHAPES[name]) {
        const path = document.createElementNS(SVG, 'path');
        path.setAttribute('d', d);
        svg.append(path);
    }

    return svg;
}


// A list that is brought up to date in place: returns a function that takes
// the items as they are now. What stays is neither made anew nor moved, so
// focus, selections and open menus in it stay. `make` returns
// { node, update(item) }. If what had the focus goes, `lost` is called.

export function keyedList(parent, keyOf, make, lost = () => {}) {
    let rows = new Map();

    return items => {
        const next = new Map();

        for (const item of items) {
            const key = keyOf(item);
            const row = rows.get(key) ?? make(item);

            row.update(item);
            next.set(key, row);
        }

        let focusGone = false;

        for (const [key, row] of rows) {
            if (!next.has(key)) {
                focusGone ||= row.node.contains(document.activeElement);
                row.node.remove();
            }
        }

        let place = parent.firstElementChild;

        for (const { node } of next.values()) {
            if (node === place) {
                place = place.nextElementSibling;
            } else {
                parent.insertBefore(node, place);
            }
        }

        rows = next;

        if (focusGone) {
            lost();
        }
    };
}
