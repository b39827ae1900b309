// Without a mouse, and with the focus where a screen reader needs it.

import assert from 'node:assert/strict';

import { openView, pageTest } from './lib/browser.mjs';
import { api, contextNames, makeWebhook, unique, waitUntil }
    from './lib/server.mjs';


pageTest('a webhook is created with the keyboard alone', async page => {
    const endpoint = unique('by/keyboard');

    await openView(page, '#/', '.view');

    await tabTo(page, 'Add New Webhook');
    await page.keyboard.press('Enter');
    await page.getByLabel('Trigger').waitFor();
    assert.equal(await focused(page), 'Add New Webhook', 'the heading');
    assert.match(await page.title(), /^Add New Webhook · /);

    await tabTo(page, 'Endpoint');
    await page.keyboard.type(endpoint);
    await tabTo(page, 'Trigger');
    await page.keyboard.type('Provision');

    assert.match(await page.locator('#announcer').textContent(),
        new RegExp(`7 required parameters: ${contextNames.join(', ')}`),
        'the context is announced');

    await tabTo(page, 'Create Webhook');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: endpoint })
        .waitFor();
    await waitUntil('the title', async () =>
        (await page.title()).startsWith(`POST ${endpoint} · `));
    assert.equal(await focused(page), `POST ${endpoint}`);
});


pageTest('the first wrong field has the focus', async page => {
    await openView(page, '#/new', 'form');
    await page.getByLabel('Endpoint').fill('a b');
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.locator('.fault:visible').first().waitFor();

    assert.equal(await focused(page), 'Endpoint');
    assert.equal(await page.getByLabel('Endpoint').getAttribute(
        'aria-invalid'), 'true');

    for (const label of ['Endpoint', 'Trigger']) {
        const ids = await page.getByLabel(label).getAttribute(
            'aria-describedby');
        const texts = await Promise.all(ids.split(' ').map(
            id => page.locator(`#${id}`).textContent()));

        assert.ok(texts.some(text => text.length > 0
            && !text.startsWith('Letters')), `${label}: ${texts}`);
    }

    const taken = unique('taken');

    await makeWebhook({ endpoint: taken });
    await page.getByLabel('Endpoint').fill(taken);
    await page.getByLabel('Trigger').selectOption('Provision Entitlement');
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.locator('.fault:visible').first().waitFor();
    assert.equal(await focused(page), 'Endpoint', 'which a clash is about');
    assert.equal(await page.locator('.fault:visible').count(), 1,
        'what was mended is wrong no longer');
});


pageTest('a fault of an option opens the options', async page => {
    await openView(page, '#/new', 'form');
    await page.getByLabel('Endpoint').fill(unique('in-options'));
    await page.getByLabel('Trigger').selectOption('Provision Entitlement');
    await page.getByText('Options', { exact: true }).click();
    await page.getByLabel('Remember').selectOption('For a time of its own');
    await page.getByLabel('For how long').fill('soon');
    await page.getByText('Options', { exact: true }).click();
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.locator('.fault:visible').waitFor();
    assert.equal(await focused(page), 'For how long');
});


pageTest('the skip link leads to the content, not away', async page => {
    await openView(page, '#/new', 'form');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Skip to content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    assert.match(page.url(), /#\/new$/);
});


pageTest('an address that is no view shows the list', async page => {
    await openView(page, '#foo', '.view-head');
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
});


pageTest('a token is typed into a form, and Enter sends a dry run',
    async page => {
        const said = [];

        page.on('console', message => said.push(message.text()));

        const { body } = await api('GET', 'webhooks');
        const { id } = body.webhooks.find(
            ({ source }) => source === 'nginx.conf');

        await openView(page, `#/webhooks/${encodeURIComponent(id)}`,
            '#activity');
        await page.getByLabel('Authentication token').fill('secret');
        await page.keyboard.press('Enter');
        await page.getByText('dry run,').waitFor();
        assert.deepEqual(said, [], 'the browser has nothing to say of it');
    });


pageTest('all that can have the focus shows it', async page => {
    const { id } = await makeWebhook({ endpoint: unique('focus') });

    for (const [hash, sign] of [['#/', 'tbody tr'], ['#/new', 'form'],
        [`#/webhooks/${id}`, '.attached']]) {
        await openView(page, hash, sign);
        await page.evaluate(() => document.body.focus());

        const seen = new Set();

        for (;;) {
            await page.keyboard.press('Tab');

            const [key, shows] = await page.evaluate(() => {
                const node = document.activeElement;
                const { outlineStyle, outlineWidth } = getComputedStyle(node);

                return [node === document.body ? ''
                    : [...document.querySelectorAll('*')].indexOf(node)
                        + node.outerHTML.slice(0, 80),
                outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2];
            });

            if (key === '' || seen.has(key)) {
                break;
            }

            seen.add(key);
            assert.ok(shows, `${hash}: ${key} shows no focus`);
        }

        assert.ok(seen.size > 5, `${hash}: ${seen.size} stops`);
    }
});


pageTest('a dialog keeps the focus and gives it back', async page => {
    const { id } = await makeWebhook({ endpoint: unique('dialog') });

    await openView(page, `#/webhooks/${id}`, '.tokens > li');
    await tabTo(page, 'Delete…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Delete this webhook?' }).waitFor();
    assert.equal(await focused(page), 'Cancel', 'nothing is lost by one key');

    for (let i = 0; i < 6; i++) {
        await page.keyboard.press('Tab');
        assert.ok(['Cancel', 'Delete webhook', ''].includes(
            await focused(page)), 'the focus stays in the dialog');
    }

    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await focused(page), 'Delete…');

    await page.keyboard.press('Enter');
    await tabTo(page, 'Delete webhook');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    await waitUntil('the heading to have the focus', async () =>
        await focused(page) === 'Webhooks');
    assert.equal((await api('GET', `webhooks/${id}`)).status, 404);
});


// What the focused element is called.

function focused(page) {
    return page.evaluate(() => {
        const node = document.activeElement;

        return node === document.body ? ''
            : (node.labels?.[0] ?? node).textContent.trim()
                .replace(/\s+/g, ' ');
    });
}


async function tabTo(page, name) {
    for (let i = 0; i < 80; i++) {
        if (await focused(page) === name
            && await page.evaluate(() =>
                document.activeElement.matches('a, button, input, select'))) {
            return;
        }

        await page.keyboard.press('Tab');
    }

    assert.fail(`"${name}" is not to be reached by Tab`);
}
