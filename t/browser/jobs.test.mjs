// Jobs: from a webhook's activity to the job, its retry, and the list.

import assert from 'node:assert/strict';

import { openView, pageTest } from './lib/browser.mjs';
import { api, makeWebhook, send, unique, waitUntil }
    from './lib/server.mjs';
import { answer } from './lib/views.mjs';

const TOKEN = 'INC-of-nobody'; // in a context: never on the page


// A job of a workflow that the receiver answers as it is told by the path.

async function makeJob(kind) {
    const webhook = await makeWebhook({
        endpoint: unique(kind), trigger: 'self_service_access_request',
    });
    const { status, body } = await send(webhook, webhook.token, {
        identity_id: 4711, app_identifier: kind, entitlement_id: TOKEN,
    });

    assert.equal(status, 202);

    return { webhook, id: body.job_id };
}


async function waitForState(id, state) {
    await waitUntil(`${id} to be ${state}`, async () =>
        (await api('GET', `jobs/${id}`)).body.state === state);
}


pageTest('a failed job is found from its webhook, and retried', async page => {
    const { webhook, id } = await makeJob('fails-once');

    await waitForState(id, 'failed');
    await openView(page, `#/webhooks/${webhook.id}`, '#activity');

    await page.getByRole('link', { name: id }).click();
    await page.getByRole('heading', { name: `Job ${id}` }).waitFor();

    assert.equal(await page.title(),
        `Job ${id} · Workflows settings · Clarity`);
    assert.equal(await page.evaluate(() => document.activeElement.tagName),
        'H1', 'the heading has the focus');
    assert.equal(await page.locator('nav a[aria-current=page]').innerText(),
        'Jobs');
    assert.match(await page.locator('.facts').first().innerText(),
        /Failed[\s\S]*answered 400/);

    const failed = page.getByRole('row').filter({ hasText: 'second' });

    await failed.getByText('Answered 400').waitFor();
    assert.match(await failed.innerText(), /Failed/);
    assert.match(await page.getByRole('row').filter({ hasText: 'first' })
        .innerText(), /Succeeded[\s\S]*Answered 200/);
    assert.doesNotMatch(await page.locator('main').innerText(),
        new RegExp(TOKEN));

    // With the keyboard alone: told what will be done, and not done by Esc.
    const retry = page.getByRole('button', { name: 'Retry…' });

    await retry.focus();
    await page.keyboard.press('Enter');

    const dialog = page.getByRole('dialog', { name: 'Retry this job?' });

    assert.match(await dialog.innerText(),
        /Fails at first, from the step second/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await retry.evaluate(
        node => node === document.activeElement), true, 'the focus is back');
    assert.equal((await api('GET', `jobs/${id}`)).body.state, 'failed');

    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('The job goes on.').waitFor();
    await page.locator('.facts .badge', { hasText: 'Succeeded' }).first()
        .waitFor();
    await retry.waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.tagName),
        'H1', 'the focus is not lost with the button');
    assert.equal((await api('GET', `jobs/${id}`)).body.runs[0].steps[0]
        .attempt, 1, 'what had succeeded was not done again');
});


pageTest('a retry that somebody else was faster with', async page => {
    const { id } = await makeJob('fails');

    await waitForState(id, 'failed');
    await openView(page, `#/jobs/${id}`, '#runs');
    await page.route(`**/jobs/${id}`, async route => {
        if (route.request().method() === 'GET') {
            await route.fallback();
        }
    });
    await page.getByRole('button', { name: 'Retry…' }).click();

    const { status } = await api('POST', `jobs/${id}/retry`, {});

    assert.equal(status, 200);
    await page.getByRole('button', { name: 'Retry job' }).click();
    await page.getByRole('dialog').getByRole('alert')
        .getByText(/^The job (is \w+, not failed|has changed just now)/)
        .or(page.getByText('The job goes on.')).waitFor();
});


pageTest('the list is filtered by state and goes on by pages', async page => {
    const { id: good, webhook } = await makeJob('works');
    const { id: bad } = await makeJob('fails');

    await waitForState(good, 'succeeded');
    await waitForState(bad, 'failed');
    await openView(page, '#/jobs', 'tbody tr');

    const row = page.getByRole('row').filter({ hasText: good });

    await row.getByText('Succeeded').waitFor();
    await row.getByRole('link', { name: `POST ${webhook.endpoint}` })
        .waitFor();
    await page.getByRole('link', { name: bad }).waitFor();

    const filter = page.getByRole('navigation', {
        name: 'Jobs by their state',
    });

    await filter.getByRole('link', { name: 'Failed' }).click();
    await filter.locator('[aria-current]', { hasText: 'Failed' }).waitFor();
    await page.getByRole('link', { name: bad }).waitFor();
    assert.equal(await page.getByRole('link', { name: good }).count(), 0);
    assert.match(page.url(), /#\/jobs\?state=failed$/);

    await filter.getByRole('link', { name: 'Waiting' }).click();
    await page.getByRole('heading', { name: 'No job is waiting' })
        .waitFor();
    await page.getByRole('link', { name: 'All jobs' }).click();

    // Pages: those of the API, by its own word.
    await page.route('**/settings/api/jobs?*', async route => {
        const url = new URL(route.request().url());

        url.searchParams.set('limit', '1');
        await route.continue({ url: url.href });
    });
    await openView(page, '#/jobs', 'tbody tr');
    await page.getByRole('link', { name: bad }).waitFor();
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: good }).waitFor();
    assert.equal(await page.getByRole('link', { name: bad }).count(), 0);
    await page.getByRole('link', { name: 'First page' }).click();
    await page.getByRole('link', { name: bad }).waitFor();
});


pageTest('a page without jobs may have others behind it', async page => {
    const { id } = await makeJob('works');

    await waitForState(id, 'succeeded');
    await page.route('**/settings/api/jobs?*state=cancelled*', async route => {
        const further = new URL(route.request().url()).searchParams
            .has('after');

        await answer(route, 200, further
            ? { jobs: [{ job_id: id, trigger: 'gone', webhook: 'nobody',
                state: 'cancelled', reason: null, received_at: null,
                next_at: null }], next: null }
            : { jobs: [], next: '9-0.0-9-0' });
    });
    await openView(page, '#/jobs?state=cancelled', '.empty');
    await page.getByRole('link', { name: 'Look further' }).click();
    await page.getByRole('row').filter({ hasText: id }).waitFor();
});


pageTest('names that mean harm are text', async page => {
    const harm = '<img src=x onerror="window.harmed=1">';

    await page.route('**/settings/api/jobs**', route => answer(route, 200, {
        job_id: '0-1-1', trigger: harm, webhook: harm, state: harm,
        reason: harm, received_at: null,
        runs: [{ workflow: harm, state: harm, attempt: 2, reason: harm,
            steps: [{ id: harm, state: harm, attempt: 1, reason: harm,
                started_at: null, ended_at: null }] }],
        jobs: [{ job_id: harm, trigger: harm, webhook: harm, state: harm,
            reason: harm, received_at: null, next_at: null }],
        next: harm,
    }));
    await openView(page, '#/jobs', 'tbody tr');
    await openView(page, '#/jobs/0-1-1', '#runs');
    await page.getByText(harm).first().waitFor();
    assert.equal(await page.evaluate(() => window.harmed), undefined);
    assert.equal(await page.locator('main img').count(), 0);
});
