/*
 * The file that this code was loaded from. dlopen() answers for a path that is
 * open already with what it has, whatever the file has become, and nginx closes
 * the last configuration's modules only once the new one's are open. So a
 * reload never changes the code under the memory that it keeps, and what an
 * administrator has installed does not run, of which nginx says nothing.
 */

#include "ngx_http_clarity_webhook_module.h"

#include <dlfcn.h>


static ngx_uint_t ngx_http_clarity_is_loaded(const char *name);


/* As it was with the first configuration: this code's own, so another file's
 * begins with none. */
static ngx_file_info_t ngx_http_clarity_loaded;
static ngx_uint_t      ngx_http_clarity_loaded_known;


void
ngx_http_clarity_check_loaded(ngx_conf_t *cf)
{
    Dl_info file;

    /* The path of load_module. A program's own is as it was called by, or has
     * become the title of the process. */

    if (dladdr(&ngx_http_clarity_loaded, &file) == 0
        || file.dli_fname[0] != '/')
    {
        return;
    }

    if (!ngx_http_clarity_loaded_known) {
        ngx_http_clarity_loaded_known
            = ngx_file_info(file.dli_fname, &ngx_http_clarity_loaded)
            != NGX_FILE_ERROR;
        return;
    }

    if (!ngx_http_clarity_is_loaded(file.dli_fname)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
            "\"%s\" was replaced or removed after it had been loaded; a reload "
            "goes on with what was loaded, to load what is there now restart "
            "nginx or replace its binary (signal USR2)", file.dli_fname);
    }
}


static ngx_uint_t
ngx_http_clarity_is_loaded(const char *name)
{
    ngx_file_info_t now;

    return ngx_file_info(name, &now) != NGX_FILE_ERROR
        && now.st_dev == ngx_http_clarity_loaded.st_dev
        && ngx_file_uniq(&now) == ngx_file_uniq(&ngx_http_clarity_loaded)
        && ngx_file_size(&now) == ngx_file_size(&ngx_http_clarity_loaded)
        && ngx_file_mtime(&now) == ngx_file_mtime(&ngx_http_clarity_loaded);
}
