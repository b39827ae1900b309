/*
 * The API's answers about what webhooks refer to: triggers and workflows.
 */

#include "ngx_http_clarity_api.h"


static void ngx_http_clarity_add_parameters(
    clarity_buf_t *buf, const clarity_trigger_t *trigger);


ngx_int_t
ngx_http_clarity_api_triggers(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                   i;
    clarity_buf_t            buf;
    const clarity_trigger_t *trigger;

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_buf_addz(&buf, "{\"triggers\":[");

    for (i = 0; i < api->cmcf->triggers->count; i++) {
        trigger = &api->cmcf->triggers->triggers[i];

        clarity_buf_addz(&buf, i ? ",{\"name\":" : "{\"name\":");
        clarity_buf_add_json(&buf, trigger->name);
        clarity_buf_addz(&buf, ",\"title\":");
        clarity_buf_add_json(&buf, trigger->title);
        clarity_buf_addz(&buf, ",\"description\":");
        clarity_buf_add_json(&buf, trigger->description);
        clarity_buf_addz(&buf, ",\"context\":");
        ngx_http_clarity_api_add_names(&buf, trigger);
        clarity_buf_addz(&buf, ",\"parameters\":");
        ngx_http_clarity_add_parameters(&buf, trigger);
        clarity_buf_addf(&buf, ",\"workflows\":%u}",
            (unsigned) ngx_http_clarity_api_attached(api, trigger->name));
    }

    clarity_buf_addz(&buf, "],\"webhooks_url\":");
    ngx_http_clarity_api_add_url(r, &buf, api->cmcf->webhooks_conf, "");
    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


ngx_int_t
ngx_http_clarity_api_workflows(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_uint_t                   i;
    clarity_buf_t                buf;
    ngx_http_clarity_workflow_t *workflow;

    workflow = api->workflows.elts;

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_buf_addz(&buf, "{\"workflows\":[");

    for (i = 0; i < api->workflows.nelts; i++) {
        clarity_buf_addz(&buf, i ? ",{\"id\":" : "{\"id\":");
        ngx_http_clarity_api_add_text(&buf, &workflow[i].id);
        clarity_buf_addz(&buf, ",\"name\":");
        ngx_http_clarity_api_add_text(&buf, &workflow[i].name);
        clarity_buf_addz(&buf, ",\"trigger\":");
        ngx_http_clarity_api_add_text(&buf, &workflow[i].trigger);
        clarity_buf_addf(&buf, ",\"active\":%s,\"workers\":%u}",
            workflow[i].active ? "true" : "false",
            (unsigned) workflow[i].workers);
    }

    clarity_buf_addz(&buf, "]}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


static void
ngx_http_clarity_add_parameters(
    clarity_buf_t *buf, const clarity_trigger_t *trigger)
{
    size_t i;

    clarity_buf_addz(buf, "[");

    for (i = 0; i < trigger->ncontext; i++) {
        clarity_buf_addz(buf, i ? "," : "");
        clarity_parameter_describe(&trigger->context[i], buf);
    }

    clarity_buf_addz(buf, "]");
}


void
ngx_http_clarity_api_add_names(
    clarity_buf_t *buf, const clarity_trigger_t *trigger)
{
    size_t i;

    clarity_buf_addz(buf, "[");

    for (i = 0; trigger && i < trigger->ncontext; i++) {
        clarity_buf_addz(buf, i ? "," : "");
        clarity_buf_add_json(buf, trigger->context[i].name);
    }

    clarity_buf_addz(buf, "]");
}


ngx_uint_t
ngx_http_clarity_api_attached(
    ngx_http_clarity_api_t *api, clarity_str_t trigger)
{
    ngx_uint_t                   i, n;
    ngx_http_clarity_workflow_t *workflow;

    n = 0;
    workflow = api->workflows.elts;

    for (i = 0; i < api->workflows.nelts; i++) {
        n += workflow[i].active
            && clarity_str_eq(trigger,
                (clarity_str_t){ (char *) workflow[i].trigger.data,
                    workflow[i].trigger.len });
    }

    return n;
}


void
ngx_http_clarity_api_add_text(clarity_buf_t *buf, ngx_str_t *text)
{
    clarity_buf_add_json(buf,
        (clarity_str_t){ (char *) text->data, text->len });
}
