// Every view, light and dark, on a wide screen and on a phone: what axe-core
// finds, and whether anything is wider than the screen. What a view looks like
// is in build/browser/pictures then.

import assert from 'node:assert/strict';
import { before } from 'node:test';

import { PHONE, WIDE, pageTest, removeRoutes, takePicture }
    from './lib/browser.mjs';
import { require } from './lib/modules.mjs';
import { makeExamples, viewsOf } from './lib/views.mjs';

const axe = require('axe-core');

const SCREENS = {
    'a wide screen': [WIDE, ['light', 'dark']],
    'a phone': [PHONE, ['phone', 'phone-dark']],
};

// Where the layout changes, and beyond both ends: 320 is what a reader has who
// needs everything four times as large.
const WIDTHS = [320, 639, 640, 991, 992, 1920];
const AT_ALL_WIDTHS = ['list', 'detail-rotated', 'edit-conflict', 'jobs',
    'job-failed'];

// Dialogs stand in the window, not on the page.
const IN_WINDOW = ['rotate', 'rotate-conflict', 'revoke', 'delete', 'retry',
    'retry-refused'];

let examples;

before(async () => { examples = await makeExamples(); });


for (const [screen, [options, schemes]] of Object.entries(SCREENS)) {
    pageTest(`every view is accessible on ${screen}`, async page => {
        for (const [name, open] of viewsOf(examples)) {
            await removeRoutes(page);
            await open(page);

            for (const scheme of schemes) {
                await page.emulateMedia({
                    colorScheme: scheme.endsWith('dark') ? 'dark' : 'light',
                });
                await takePicture(page, `${name}-${scheme}`,
                    { whole: !IN_WINDOW.includes(name) });
                assert.deepEqual(await violations(page), [],
                    `${name}, ${scheme}: axe`);
                assert.deepEqual(await tooWide(page), [],
                    `${name}, ${scheme}: too wide`);
            }
        }
    }, { ...options, reducedMotion: 'reduce' });
}


pageTest('nothing is too wide, whatever the width', async page => {
    for (const [name, open] of viewsOf(examples)) {
        if (!AT_ALL_WIDTHS.includes(name)) {
            continue;
        }

        await removeRoutes(page);
        await open(page);

        for (const width of WIDTHS) {
            await page.setViewportSize({ width, height: 900 });
            assert.deepEqual(await tooWide(page), [], `${name}, ${width}`);
        }
    }
});


async function violations(page) {
    await page.evaluate(axe.source);

    const found = await page.evaluate(() => window.axe.run(document, {
        resultTypes: ['violations'],
    }));

    return found.violations.flatMap(({ id: rule, nodes }) => nodes.map(
        ({ target, failureSummary }) => `${rule}: ${target}: ${failureSummary
            .replace(/\s+/g, ' ')}`));
}


// Wider than the window, or reaching out of it while nothing scrolls there.

async function tooWide(page) {
    const { width } = page.viewportSize();

    return page.evaluate(limit => {
        const found = [];

        if (document.documentElement.scrollWidth > limit) {
            found.push(`the page: ${document.documentElement.scrollWidth}`);
        }

        for (const node of document.querySelectorAll('body *')) {
            if (node.getBoundingClientRect().right > limit + 1
                && !node.closest('pre, .unseen, thead')) {
                found.push(`${node.tagName} ${node.className}`);
            }
        }

        return found;
    }, width);
}
