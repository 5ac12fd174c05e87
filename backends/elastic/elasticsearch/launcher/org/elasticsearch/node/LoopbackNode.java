package org.elasticsearch.node;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.plugins.ClasspathPlugins;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.transport.netty4.Netty4Plugin;
import org.elasticsearch.xpack.core.XPackPlugin;
import org.elasticsearch.xpack.esql.plugin.EsqlPlugin;

/**
 * One node on the loopback address and free ports, with ES|QL. It prints "READY host:port" and
 * lives until its standard input ends, so that it never outlives the process that started it.
 */
public final class LoopbackNode {
    public static void main(String[] args) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1); // A request whose thread died would wait for ever.
        });
        LogConfigurator.configureESLogging();
        LogConfigurator.configureWithoutConfig(Settings.builder().put("logger.level", "WARN").build());
        Settings settings = Settings.builder()
            .put("path.home", Path.of(args[0]).toAbsolutePath())
            .put("cluster.name", "hafnium")
            .put("node.name", "loopback")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", "0")
            .put("transport.port", "0")
            .put("node.processors", 1)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "loopback");
        NodeServiceProvider services = new NodeServiceProvider() {
            @Override
            PluginsService newPluginService(Environment where, PluginsLoader loader) {
                return new ClasspathPlugins(
                    where.settings(),
                    where.configDir(),
                    List.of(Netty4Plugin.class, XPackPlugin.class, EsqlPlugin.class)
                );
            }
        };
        Node node = new Node(
            NodeConstruction.prepareConstruction(environment, ClasspathPlugins.none(), services, true)
        );
        node.start();
        HttpServerTransport http = node.injector().getInstance(HttpServerTransport.class);
        System.out.println("READY " + http.boundAddress().publishAddress());
        while (System.in.read() >= 0) {
            // Nobody writes: this waits for the end.
        }
        node.close();
        System.exit(0);
    }
}
