#include "report/export.h"

#include "bf_formats.h"
#include "report/json.h"

void export_all(void)
{
    json_export_begin();
    json_number("schema_version", BF_EXPORT_VERSION);
    export_machine();
    export_modules();
    json_export_end();
}
