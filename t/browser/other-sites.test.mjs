// What a page of another site can make an administrator's browser do here:
// nothing. It cannot show this page inside its own, ask the API for anything,
// or have it change anything.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before } from 'node:test';

import { pageTest } from './lib/browser.mjs';
import { api, apiUrl, makeWebhook, pageUrl, unique, waitUntil }
    from './lib/server.mjs';

// "localhost" is another site than "127.0.0.1", whatever they resolve to.
let site, server;

before(async () => {
    server = createServer((request, response) => {
        response.setHeader('content-type', 'text/html');
        response.end('<!doctype html><title>Another site</title>');
    });
    await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
    site = `http://localhost:${server.address().port}/`;
});

after(() => server.close());


pageTest('it is not shown in a frame', async (_, { context }) => {
    const page = await openOther(context);

    assert.equal(await runsInFrame(page, pageUrl), false);
    assert.equal(await runsInFrame(page, `${pageUrl}index.html`), false);

    await page.route(pageUrl, async route => {
        const response = await route.fetch();
        const headers = response.headers();

        delete headers['content-security-policy'];
        await route.fulfill({ response, headers });
    });
    assert.equal(await runsInFrame(page, pageUrl), true,
        'it is the policy that keeps it from it');
});


pageTest('the API tells another site nothing', async (_, { context }) => {
    const { id } = await makeWebhook({ endpoint: unique('read') });
    const page = await openOther(context);

    for (const path of ['webhooks', `webhooks/${id}/token`, 'triggers']) {
        assert.deepEqual(await ask(page, path, { mode: 'no-cors' }),
            { said: 'opaque', status: 403 }, path);
        assert.equal((await ask(page, path, { mode: 'cors' })).said,
            'failed', path);
    }

    // As a script it would run in the other page, were it let in.
    assert.equal(await page.evaluate(url => new Promise(resolve => {
        const script = document.createElement('script');

        script.onload = () => resolve('loaded');
        script.onerror = () => resolve('refused');
        script.src = url;
        document.head.append(script);
    }), `${apiUrl}webhooks`), 'refused');
});


pageTest('nor does another site change anything', async (_, { context }) => {
    const { id, revision } = await makeWebhook(
        { endpoint: unique('changed') });
    const page = await openOther(context);
    const before = await state();
    const body = JSON.stringify({
        method: 'POST', endpoint: 'forged', trigger: 'provision_entitlement',
    });

    // What needs no preflight reaches the server, and is refused there.
    for (const type of ['text/plain', 'application/x-www-form-urlencoded',
        'multipart/form-data']) {
        const { said, status } = await ask(page, 'webhooks', {
            mode: 'no-cors', method: 'POST', body,
            headers: { 'content-type': type },
        });

        assert.deepEqual([said, status], ['opaque', 403], type);
    }

    // What needs one gets no answer that would let it go on.
    for (const [method, path, headers] of [
        ['POST', 'webhooks', {}],
        ['POST', `webhooks/${id}/rotate`, {}],
        ['PATCH', `webhooks/${id}`, { 'if-match': `"${revision}"` }],
        ['DELETE', `webhooks/${id}`, { 'if-match': `"${revision}"` }],
    ]) {
        const { said } = await ask(page, path, {
            method,
            body: method === 'DELETE' ? undefined : body,
            headers: { 'content-type': 'application/json', ...headers },
        });

        assert.equal(said, 'failed', `${method} ${path}`);
    }

    assert.deepEqual(await state(), before);
});


// The oldest way: a form whose one field, sent as plain text, reads as JSON.

pageTest('a form of another site is refused', async (_, { context }) => {
    const before = await state();

    for (const type of ['text/plain', 'application/x-www-form-urlencoded',
        'multipart/form-data']) {
        const page = await openOther(context);
        const answered = page.waitForResponse(`${apiUrl}webhooks`);

        await page.evaluate(([action, enctype]) => {
            const form = document.createElement('form');
            const field = document.createElement('input');

            Object.assign(form, { method: 'post', action, enctype });
            field.name = '{"method":"POST","endpoint":"forged","trigger":'
                + '"provision_entitlement","unknown":"reject","x":"';
            field.value = '"}';
            form.append(field);
            document.body.append(form);
            form.submit();
        }, [`${apiUrl}webhooks`, type]);
        assert.equal((await answered).status(), 403, type);
        await page.close();
    }

    assert.deepEqual(await state(), before);
});


pageTest('a page that it opens is out of its reach', async (_, { context }) => {
    const page = await openOther(context);
    const opened = context.waitForEvent('page');

    await page.evaluate(url => { window.other = window.open(url); }, pageUrl);
    await (await opened).getByRole('heading', { level: 1, name: 'Webhooks' })
        .waitFor();
    assert.equal(await page.evaluate(() => {
        try {
            return window.other.document.title;
        } catch (error) {
            return error.name;
        }
    }), 'SecurityError');
});


async function openOther(context) {
    const page = await context.newPage();

    await page.goto(site);

    return page;
}


// Whether our page runs in a frame of the other one: then it has asked for its
// script before the frame is loaded.

async function runsInFrame(page, url) {
    let asked = false;
    const seen = request => {
        asked ||= request.url() === `${pageUrl}js/main.js`;
    };

    page.on('request', seen);
    await page.evaluate(src => new Promise(resolve => {
        const node = document.createElement('iframe');

        node.onload = resolve;
        node.src = src;
        document.body.replaceChildren(node);
    }), url);
    page.off('request', seen);

    return asked;
}


// What a script of the other page is told, and what the server has answered.

async function ask(page, path, options) {
    let status;
    const seen = response => {
        if (response.url() === apiUrl + path) {
            status = response.status();
        }
    };

    page.on('response', seen);

    const said = await page.evaluate(async ([url, how]) => {
        try {
            const answer = await fetch(url, how);

            return answer.type === 'opaque' ? 'opaque' : answer.text();
        } catch {
            return 'failed';
        }
    }, [apiUrl + path, options]);

    // Of an answer that the page may not read only this one is told, and a
    // little later than the page.
    if (said === 'opaque') {
        await waitUntil('the answer', () => status);
    }

    page.off('response', seen);

    return { said, status };
}


async function state() {
    const { body } = await api('GET', 'webhooks');

    return [body.revision,
        body.webhooks.map(({ id, revision }) => [id, revision])];
}
