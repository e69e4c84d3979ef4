# Starts Java. Sourced by the launcher of a checkout and by that of a distribution, which set root, java, class_path, archive (a file for
# loaded classes, empty where none can be kept) and spark_options.
terminal=false
[ -t 2 ] && terminal=true
# What waits to be collected counts as memory: short-lived objects get a quarter of a gigabyte, and almost nothing for reading a
# checkpoint through, which needs little heap whatever the model's size.
young=-XX:MaxNewSize=256m
[ "${1-}" = inspect ] && young=-Xmn24m
# The shared archive keeps loaded classes for the next start. The C library should return large blocks late: a forward pass
# asks for the same ones again and again.
CUBLAS_WORKSPACE_CONFIG=${CUBLAS_WORKSPACE_CONFIG-:4096:8} \
MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_-1073741824} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_-268435456} \
exec "$java" \
    --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    -XX:+IgnoreUnrecognizedVMOptions ${archive:+-XX:+AutoCreateSharedArchive "-XX:SharedArchiveFile=$archive"} \
    $spark_options -XX:+UseParallelGC $young -Xshare:auto -Xlog:disable -Xlog:all=off \
    -Dhalftone.terminal=$terminal -Dhalftone.home="$root" ${HALFTONE_JAVA_OPTS-} -cp "$class_path" dev.halftone.app.Main "$@"
