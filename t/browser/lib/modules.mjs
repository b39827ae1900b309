// What npm has installed is in build/, not beside the tests.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = process.env.CLARITY_BROWSER ?? `${root}build/browser`;

export const require = createRequire(`${folder}/`);
export const rootFolder = root;

// Pictures of every view, of the last run.
export const pictures = `${folder}/pictures`;


// A module of the page that imports none. By its path Node 18 would take it for
// a CommonJS one, as no package.json says otherwise.

export function importOfPage(name) {
    const text = readFileSync(`${root}settings/js/${name}`, 'utf8');

    return import(`data:text/javascript,${encodeURIComponent(text)}`);
}
