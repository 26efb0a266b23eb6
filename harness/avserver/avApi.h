/* The plugin interface, as far as the host needs it. */
#ifndef AVAPI_H
#define AVAPI_H

#define AVCHK_FAILED 0
#define AVCHK_OK 1
#define AVCHK_VIRUS_FOUND 2
#define AVCHK_VIRUS_CURED 3
#define AVCHK_IMPOSSIBLE 4
#define AVCHK_ERROR 5

typedef void (*AV_LOG_CALLBACK_NEW)(const char *format, ...);

typedef struct {
    char name[64];
    char description[128];
    char reserved[64];
    int reserved2;
} avir_plugin_info;

typedef struct {
    char name[32];
    char value[128];
} avir_plugin_config;

typedef struct {
    void (*get_plugin_info)(avir_plugin_info *info);
    void (*get_error_message)(char *buffer, int bufsize);
    int (*set_plugin_config)(const avir_plugin_config *config);
    avir_plugin_config *(*get_plugin_config)(void);
    void (*free_plugin_config)(avir_plugin_config *config);
    int (*plugin_init)(AV_LOG_CALLBACK_NEW log);
    int (*plugin_close)(void);
    void *reserved1;
    void *reserved2;
    void *reserved3;
    void *reserved4;
    int (*plugin_thread_init)(void **context);
    int (*plugin_thread_close)(void **context);
    int (*plugin_thread_test_file)(void *context, const char *filename, const char *realname,
                                   char *reserved, unsigned reserved_size, char *vir_info,
                                   unsigned vi_size);
} avir_plugin_extended_thread_iface;

#endif
