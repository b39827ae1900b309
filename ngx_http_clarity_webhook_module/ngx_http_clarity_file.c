/*
 * Files that directives name, and the places of directives.
 */

#include "ngx_http_clarity_webhook_module.h"


/* more than any token, password or triggers file has */
#define NGX_HTTP_CLARITY_MAX_FILE (4 * 1024 * 1024)


static ngx_int_t ngx_http_clarity_read_open_file(
    ngx_conf_t *cf, ngx_file_t *file, ngx_uint_t secret, ngx_str_t *text);


ngx_http_clarity_place_t
ngx_http_clarity_place(ngx_conf_t *cf)
{
    ngx_http_clarity_place_t place;

    /* "-g" on the command line has no file */
    ngx_str_null(&place.file);
    place.line = 0;

    if (cf->conf_file && cf->conf_file->file.fd != NGX_INVALID_FILE) {
        place.file = cf->conf_file->file.name;
        place.line = cf->conf_file->line;
    }

    return place;
}


ngx_int_t
ngx_http_clarity_read_file(
    ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t secret, ngx_str_t *text)
{
    ngx_int_t  rc;
    ngx_file_t file;

    if (name->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "the file's name is empty; expected that of a file");
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;
    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
            ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    rc = ngx_http_clarity_read_open_file(cf, &file, secret, text);

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
            ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


static ngx_int_t
ngx_http_clarity_read_open_file(
    ngx_conf_t *cf, ngx_file_t *file, ngx_uint_t secret, ngx_str_t *text)
{
    ssize_t n;

    if (ngx_fd_info(file->fd, &file->info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
            ngx_fd_info_n " \"%V\" failed", &file->name);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&file->info)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "\"%V\" is %s; expected a regular file", &file->name,
            ngx_is_dir(&file->info) ? "a folder" : "a device or a pipe");
        return NGX_ERROR;
    }

    if (ngx_file_size(&file->info) > NGX_HTTP_CLARITY_MAX_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "\"%V\" has %O bytes; expected %d at most", &file->name,
            ngx_file_size(&file->info), NGX_HTTP_CLARITY_MAX_FILE);
        return NGX_ERROR;
    }

    if (secret && (file->info.st_mode & (S_IROTH|S_IWOTH))) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
            "every user may %s the secret file \"%V\"; try chmod o=",
            (file->info.st_mode & S_IROTH) ? "read" : "write", &file->name);
    }

    text->len = ngx_file_size(&file->info);
    text->data = ngx_pnalloc(cf->pool, text->len + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_file(file, text->data, text->len, 0);

    if (n != (ssize_t) text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == NGX_ERROR ? ngx_errno : 0,
            ngx_read_file_n " \"%V\" returned %z of %uz bytes", &file->name,
            n, text->len);
        return NGX_ERROR;
    }

    return NGX_OK;
}
