/* The parts of worker.json's reading: for the files conf*.c. */

#ifndef CLARITY_CONF_CONF_PART_H
#define CLARITY_CONF_CONF_PART_H

#include "conf/conf.h"
#include "json/tree.h"

/* conf_actions.c: what actions may do. */
bool clarity_conf_set_allowed(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
bool clarity_conf_set_workflow_keys(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
bool clarity_conf_set_ca_file(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
bool clarity_conf_set_commands(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
bool clarity_conf_set_types(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);

/* conf_listen.c */
bool clarity_conf_set_listen(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);

/* conf.c: a path, malloc'd. */
bool clarity_conf_get_path(const clarity_conf_t *conf,
    const clarity_json_t *value, char **path, clarity_error_t *error);

/* "FILE:LINE: "KEY" is what, expected …"; always false. */
bool clarity_conf_wrong(const clarity_conf_t *conf,
    const clarity_json_t *value, const char *expected, clarity_error_t *error);

#endif
