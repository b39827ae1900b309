// Makes docs/images anew, from a demo that has no webhook of its own yet:
//
//   make run
//   CLARITY_URL=http://127.0.0.1:8080 node t/browser/readme-pictures.mjs

import { mkdirSync } from 'node:fs';

import { require, rootFolder } from './lib/modules.mjs';
import { api, context, makeWebhook, pageUrl, send, waitForLive }
    from './lib/server.mjs';

const { chromium } = require('playwright-core');

const folder = `${rootFolder}docs/images`;
const size = { width: 1120, height: 640 };


const used = await makeWebhook({
    endpoint: 'service-now/provision-entitlement',
});
const wrong = { ...context };

delete wrong.expiration;
await send(used, used.token);
await send(used, used.token, wrong);

const { body: newer } = await api('POST', `webhooks/${used.id}/rotate`,
    { overlap: '24h' });

await waitForLive(used.id);
await send(used, newer.token);
await send(used, newer.token, context, { 'x-clarity-dry-run': '1' });
await makeWebhook({
    endpoint: 'portal/provision-entitlement', order: 'any',
});
await makeWebhook({
    method: 'PUT',
    endpoint: 'hr/identity-modified',
    trigger: 'identity_modified',
    active: false,
});

mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
});

const page = await browser.newPage(
    { viewport: size, colorScheme: 'light', deviceScaleFactor: 1.5 });
const shoot = name => page.screenshot({ path: `${folder}/${name}.png` });

await page.goto(pageUrl);
await page.locator('tbody tr').first().waitFor();
await shoot('webhooks');

await page.getByRole('link', { name: 'Add New Webhook' }).click();
await page.getByLabel('Endpoint').fill('custom-provision-entitlement');
await page.getByLabel('Trigger').selectOption('Provision Entitlement');
await shoot('new-webhook');

await page.goto(`${pageUrl}#/webhooks/${used.id}`);
await page.locator('.tokens > li').first().waitFor();
await page.setViewportSize({ ...size, height: 720 });
await shoot('webhook');

await page.getByRole('region', { name: 'Activity' }).screenshot(
    { path: `${folder}/activity.png` });

await page.goto(`${pageUrl}#/jobs`);
await page.locator('tbody tr .badge.good').first().waitFor();
await page.getByRole('link', { name: /^0-/ }).first().click();
await page.locator('.run .badge.good').first().waitFor();
await page.setViewportSize({ ...size, height: 800 });
await shoot('job');

await browser.close();
