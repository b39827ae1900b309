// Debian's Chromium, and pages in it that are watched: a test fails by what
// the page complains of, too.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { pictures, require } from './modules.mjs';
import { base, pageUrl } from './server.mjs';

const { chromium } = require('playwright-core');

const PATIENCE = 10_000; // ms
const ARGUMENTS = ['--headless=new', '--no-sandbox', '--disable-gpu',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-first-run', '--disable-quic'];

export const WIDE = { viewport: { width: 1280, height: 900 } };
export const PHONE = {
    viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true,
};

let browser;

before(async () => {
    mkdirSync(pictures, { recursive: true });
    browser = await chromium.launch({
        executablePath: '/usr/bin/chromium', args: ARGUMENTS,
    });
});

after(() => browser?.close());


// A test with a page of its own: body(page, { context, openAnother }).
// `options` are Playwright's for the context. `openAnother` opens the page of
// somebody else: a window of its own, as a browser slows down a tab that is
// behind another one.

export function pageTest(name, body, options = {}) {
    test(name, async () => {
        const pages = [];

        async function openAnother() {
            const context = await browser.newContext({ ...WIDE, ...options });

            pages.push(await openWatched(context));

            return pages.at(-1);
        }

        const page = await openAnother();

        try {
            await body(page, { context: page.context(), openAnother });

            for (const { complaints } of pages) {
                assert.deepEqual(complaints, []);
            }
        } catch (error) {
            await takePicture(page, `failed: ${name}`);
            throw error;
        } finally {
            for (const one of pages) {
                await removeRoutes(one);
                await one.context().close();
            }
        }
    });
}


// A request may be with a route's handler still: what becomes of it is of no
// interest any more.

export function removeRoutes(page) {
    return page.unrouteAll({ behavior: 'ignoreErrors' });
}


// A page whose `complaints` are errors on its console, exceptions, violations
// of its policy and requests to other hosts. A status that the page handles is
// none.

async function openWatched(context) {
    const page = await context.newPage();

    page.complaints = [];
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', error => page.complaints.push(error.stack));
    page.on('console', message => {
        if (['error', 'warning'].includes(message.type())
            && !/^Failed to load resource: /.test(message.text())) {
            page.complaints.push(message.text());
        }
    });
    page.on('request', request => {
        if (!request.url().startsWith(`${base}/`)) {
            page.complaints.push(`a request to ${request.url()}`);
        }
    });

    return page;
}


// Opens a view of the settings page, loaded anew, and waits until it is there.

export async function openView(page, hash, sign) {
    await page.goto('about:blank');
    await page.goto(pageUrl + hash);
    await page.locator(sign).first().waitFor();
}


export async function takePicture(page, name, { whole = true } = {}) {
    await page.screenshot({
        path: `${pictures}/${name.replace(/[^a-z0-9-]+/gi, '-')}.png`,
        fullPage: whole,
        animations: 'disabled',
    });
}
