// What npm has installed is in build/, not beside the tests.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = process.env.CLARITY_BROWSER ?? `${root}build/browser`;

export const require = createRequire(`${folder}/`);
export const rootFolder = root;

// Pictures of every view, of the last run.
export const pictures = `${folder}/pictures`;
