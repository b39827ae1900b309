// Settings > Workflows > Webhooks.

import { detailView } from './detail.js';
import { editView } from './edit.js';
import { jobView } from './job.js';
import { jobsView } from './jobs.js';
import { listView } from './list.js';
import { newView } from './new.js';
import { startRouter } from './router.js';
import { workflowsView } from './workflows.js';

const main = document.getElementById('main');

document.querySelector('.skip-link').addEventListener('click', event => {
    // Followed, the link would take the place of the view's own address.
    event.preventDefault();
    main.focus();
    main.scrollIntoView();
});

startRouter([
    [/^\/$/, listView],
    [/^\/new$/, newView],
    [/^\/webhooks\/([^/]+)$/, detailView],
    [/^\/webhooks\/([^/]+)\/edit$/, editView],
    [/^\/workflows$/, workflowsView],
    [/^\/jobs$/, jobsView],
    [/^\/jobs\/([^/]+)$/, jobView],
]);
