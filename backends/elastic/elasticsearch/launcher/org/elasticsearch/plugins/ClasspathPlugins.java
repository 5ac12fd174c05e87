package org.elasticsearch.plugins;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import org.elasticsearch.common.settings.Settings;

/**
 * Plugins from the class path instead of folders below modules/: the registry serves them as
 * plain libraries, without the layout of a distribution. It stands in this package because the
 * server keeps what it needs to itself.
 */
public final class ClasspathPlugins extends PluginsService {
    private final List<LoadedPlugin> plugins;

    public ClasspathPlugins(Settings settings, Path config, List<Class<? extends Plugin>> classes) {
        super(settings, config, none());
        List<LoadedPlugin> loaded = new ArrayList<>();
        for (Class<? extends Plugin> each : classes) {
            Plugin plugin = loadPlugin(each, settings, config);
            String name = each.getName();
            PluginDescriptor said = new PluginDescriptor(
                name, "from the class path", "", "", "17", name, null, List.of(), false, false, false, false
            );
            loaded.add(new LoadedPlugin(said, plugin, each.getClassLoader()));
        }
        plugins = List.copyOf(loaded);
        loadExtensions(plugins);
    }

    /** A loader that finds no folder of plugins. */
    public static PluginsLoader none() {
        return new PluginsLoader(Set.of(), Set.of(), Map.of());
    }

    /** The server's constructor asks before there are any. */
    @Override
    protected List<LoadedPlugin> plugins() {
        return plugins == null ? List.of() : plugins;
    }

    /** Each provider once: all plugins share one class loader, and the server would ask it for each. */
    @Override
    public <T> List<? extends T> loadServiceProviders(Class<T> service) {
        List<T> found = new ArrayList<>();
        ServiceLoader.load(service, getClass().getClassLoader()).forEach(found::add);
        return found;
    }
}
