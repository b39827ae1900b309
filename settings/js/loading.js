// A place for what has to be fetched first.

import { reportBug } from './api.js';
import { h, icon, setChildren } from './dom.js';


// `make` is async and returns the node. Where it fails, the place says why and
// offers to try again.

export function loading(make, signal) {
    const place = h('div', {});

    async function load() {
        setChildren(place, h('p', { class: 'loading', role: 'status' },
            'Loading…'));

        try {
            setChildren(place, await make());
        } catch (error) {
            if (!signal.aborted) {
                setChildren(place, failure(error, load));
                reportBug(error);
            }
        }
    }

    load();

    return place;
}


function failure(error, retry) {
    return h('div', { class: 'note bad', role: 'alert' },
        icon('stop'),
        h('div', {}, h('p', {}, error.message)),
        h('button', {
            type: 'button', class: 'button little', on: { click: retry },
        }, 'Try again'));
}
