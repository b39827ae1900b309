// Whatever names and values there are, they are text on the page, and data on
// the command line.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { openView, pageTest, removeRoutes } from './lib/browser.mjs';
import { api, makeWebhook, pageUrl, unique, waitUntil }
    from './lib/server.mjs';
import { makeExamples, viewsOf } from './lib/views.mjs';

const HOSTILE = '<img src="x" onerror="window.harmed=1">'
    + '<script>window.harmed=1</script>"\'><b>bold</b>';

// The trigger that the tests' triggers.json has besides the examples.
const TRIGGER = 'hostile';

const run = promisify(execFile);


pageTest('texts of triggers.json are text', async page => {
    const { body } = await api('GET', 'triggers');
    const trigger = body.triggers.find(({ name }) => name === TRIGGER);

    assert.match(trigger.title, /onerror/);
    assert.match(trigger.description, /<script>/);

    await openView(page, '#/new', 'form');
    await page.getByLabel('Trigger').selectOption(trigger.title);

    const panel = page.getByRole('region', { name: 'Required context' });

    assert.deepEqual(await panel.locator('ol li > code').allTextContents(),
        trigger.context);
    assert.ok((await panel.textContent()).includes(trigger.title));
    assert.ok((await panel.textContent()).includes(trigger.description));
    await isUnharmed(page);
});


pageTest('values are sent and pasted as they are', async page => {
    const webhook = await makeWebhook(
        { endpoint: unique('hostile'), trigger: TRIGGER });
    const context = '{"__proto__": "it\'s \\"quoted\\" \\\\ $HOME `id` !x @y",'
        + ' "constructor": "\u2018\u2019 $(id)\\n%s", "hasOwnProperty":'
        + ' "<b>bold</b>"}';

    await openView(page, `#/webhooks/${webhook.id}`, '.tokens > li');
    assert.deepEqual(
        [...(await page.getByLabel('Context', { exact: true }).inputValue())
            .matchAll(/^ {2}"(\w+)"/gm)].map(found => found[1]),
        ['__proto__', 'constructor', 'hasOwnProperty']);

    await page.getByLabel('Context', { exact: true }).fill(context);
    await page.getByRole('button', { name: 'Send for real' }).click();
    await page.getByText('202 Accepted').last().waitFor();
    await page.getByRole('button', { name: 'Copy curl line' }).click();

    const line = await waitUntil('the curl line',
        () => page.evaluate(() => navigator.clipboard.readText()));
    const { stdout } = await run('sh', ['-c', line]);

    assert.equal(JSON.parse(stdout).status, 'accepted', stdout);
    await isUnharmed(page);
}, { permissions: ['clipboard-read', 'clipboard-write'] });


pageTest('an endpoint is refused with its text', async page => {
    await openView(page, '#/new', 'form');
    await page.getByLabel('Trigger').selectOption(TRIGGER);

    for (const endpoint of [HOSTILE, '../settings', 'a/../b', 'a//b', '/a',
        'a/', 'a%2fb', 'a\\b', 'a?b', 'a#b', '.', 'é', 'a'.repeat(201)]) {
        await page.getByLabel('Endpoint').fill(endpoint);
        await Promise.all([
            page.waitForResponse('**/settings/api/webhooks'),
            page.getByRole('button', { name: 'Create Webhook' }).click(),
        ]);
        await page.locator('.fault:visible').waitFor();
        assert.equal(await page.getByLabel('Endpoint').getAttribute(
            'aria-invalid'), 'true', endpoint);
        assert.equal(await page.getByLabel('Endpoint').inputValue(),
            endpoint);
    }

    await isUnharmed(page);
});


pageTest('an address is no way in', async page => {
    for (const hash of [`#/webhooks/${encodeURIComponent(HOSTILE)}`,
        `#/${HOSTILE}`, '#/webhooks/%', '#/webhooks/..%2f..%2f..%2fetc',
        `#/?after=${encodeURIComponent(HOSTILE)}`]) {
        await page.goto('about:blank');
        await page.goto(pageUrl + hash);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForLoadState('networkidle');
        await isUnharmed(page);
    }
});


// As if the server had been fed, or replaced: every text of every answer.

pageTest('all that the server says is text', async page => {
    for (const [name, open] of viewsOf(await makeExamples())) {
        if (['edit-conflict', 'new-trigger', 'new-faults'].includes(name)) {
            continue;
        }

        await removeRoutes(page);
        await page.route('**/settings/api/**', async route => {
            const answer = await route.fetch();
            const text = await answer.text();

            await route.fulfill({
                response: answer,
                body: text === '' ? text
                    : JSON.stringify(poison(JSON.parse(text))),
            });
        });
        await open(page);
        await isUnharmed(page, name);
    }
});


// But for what makes a view show at all: ids, times, urls, methods, and that a
// webhook or a job is gone.

const KEPT = /^(id|source|method|url|time|.*_at|trigger|token_header|next)$/;

function poison(value, name = '') {
    if (Array.isArray(value)) {
        return value.map(one => poison(one, name));
    }
    if (value !== null && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(
            ([key, one]) => [key, poison(one, key)]));
    }

    return typeof value === 'string' && !KEPT.test(name)
        && !/^(webhook|job)_not_found$/.test(value)
        ? value + HOSTILE : value;
}


async function isUnharmed(page, where = '') {
    assert.equal(await page.evaluate(() => window.harmed), undefined, where);
    assert.equal(await page.locator('main img, main script, main b:text-is('
        + '"bold"), main iframe, main [onerror]').count(), 0, where);
}
