// What the page's files must not hold, and what the server sends with them.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

import { rootFolder } from './lib/modules.mjs';
import { pageUrl } from './lib/server.mjs';

const folder = join(rootFolder, 'settings');
const files = readdirSync(folder, { recursive: true })
    .filter(name => /\.[a-z]+$/.test(name));
const read = name => readFileSync(join(folder, name), 'utf8');

const FORBIDDEN = {
    'markup from text': new RegExp('innerHTML|outerHTML|insertAdjacentHTML'
        + '|DOMParser|setHTML|document\\.write|createContextualFragment'
        + '|srcdoc'),
    'code from text': /\beval\(|new Function|javascript:/,
    'inline style': /\sstyle=|\.style\b|cssText/,
    'inline handler': /\son[a-z]+=/,
    'another host':
        /\/\/(?!www\.w3\.org\/2000\/svg)[a-z0-9.-]+\.[a-z]{2,}/i,
    'storage': /localStorage|sessionStorage|document\.cookie|indexedDB/,
};


test('no file holds what the page does not do', () => {
    for (const name of files) {
        for (const [what, pattern] of Object.entries(FORBIDDEN)) {
            assert.doesNotMatch(read(name), pattern, `${name}: ${what}`);
        }
    }
});


test('index.html has no inline script and no inline style', () => {
    const html = read('index.html');

    assert.doesNotMatch(html, /<style|<script(?![^>]* src=)/);
    assert.equal(html.match(/<script/g).length, 1);
});


test('every module is there and is used', () => {
    const used = new Set();
    const next = ['js/main.js'];

    while (next.length) {
        const name = next.pop();

        if (used.has(name)) {
            continue;
        }

        used.add(name);
        assert.ok(existsSync(join(folder, name)), name);

        for (const [, path] of read(name).matchAll(/from '([^']+)'/g)) {
            next.push(normalize(join(dirname(name), path)));
        }
    }

    assert.deepEqual([...used].sort(),
        files.filter(name => name.endsWith('.js')).sort());
});


test('every file is served as what it is, under the policy', async () => {
    const types = {
        html: /^text\/html/,
        css: /^text\/css/,
        js: /^(text|application)\/javascript/,
        svg: /^image\/svg\+xml/,
    };

    for (const name of ['', ...files]) {
        const answer = await fetch(pageUrl + name);
        const header = field => answer.headers.get(field) ?? '';
        const type = types[name.split('.').at(-1) || 'html'];

        assert.equal(answer.status, 200, name);
        assert.match(header('content-type'), type, name);
        assert.equal(header('x-content-type-options'), 'nosniff', name);
        assert.match(header('content-security-policy'),
            /default-src 'none'.*frame-ancestors 'none'/, name);
        assert.doesNotMatch(header('content-security-policy'),
            /unsafe|https?:|\*/, name);
    }
});


test('the policy is the same everywhere', async () => {
    const header = (await fetch(pageUrl)).headers
        .get('content-security-policy');
    const policy = /"(default-src[^"]*)"/;

    for (const name of ['demo/nginx.conf', 'examples/nginx.conf',
        'docs/directives.md']) {
        const [, example] = policy.exec(
            readFileSync(join(rootFolder, name), 'utf8'));

        assert.equal(example, header, name);
    }

    const [, meta] = policy.exec(read('index.html'));

    assert.equal(meta, header.replace(" frame-ancestors 'none';", ''));
});
